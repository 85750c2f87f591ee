#pragma once

#include <map>

#include "actors/interfaces.hpp"
#include "actors/tend/observed.hpp"

namespace footfall {

struct log_reader_config {
  event_log* log = nullptr; ///< Outlives the actor.
  fetch_limits limits;
};

/// Invariant: a partition is never sent more batches than it gave credit for, and
/// they are consecutive from the offset it opened at.
struct log_reader_state {
  static inline const char* name = "log_reader";

  struct subscription {
    uint64_t claim_no = 0;
    int64_t next_offset = 0;
    uint32_t credit = 0;
    bool fetching = false;
    uint32_t failures = 0;
  };

  log_reader_config config;
  wiring nodes;
  std::map<uint32_t, subscription> open;
};

using log_reader_ptr = observed_actor<log_reader_actor, log_reader_state>*;

log_reader_actor::behavior_type log_reader(log_reader_ptr self, log_reader_config config);

} // namespace footfall
