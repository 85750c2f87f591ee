#pragma once

#include <random>

#include <absl/container/flat_hash_map.h>

#include "actors/interfaces.hpp"
#include "actors/ports/clock.hpp"
#include "actors/ports/metrics.hpp"
#include "actors/ports/trace_log.hpp"
#include "actors/tend/node_status.hpp"
#include "actors/tend/observed.hpp"

namespace footfall {

struct ingestion_config {
  event_log* log = nullptr; ///< Outlives the actor.
  metrics* counts = nullptr;
  node_status* status = nullptr; ///< Outlives the actor.
  now_fn now;
  bool accept_when_stopped = false; ///< Takes events of partitions that apply nothing, too.
  int64_t lag_limit_us = 0;         ///< Events that would wait longer are refused; 0: none are.
  now_fn steady = steady_now;
  trace_log* traces = nullptr; ///< Outlives the actor.
};

/// Invariant: an event is answered `accepted` only with a delivery report of the
/// log in hand.
struct ingestion_state {
  static inline const char* name = "ingestion";

  /// An append under way: whose events its records are.
  struct append {
    struct place {
      uint32_t answer; ///< Index in `answers`.
      uint32_t result; ///< Index in its results.
    };
    caf::strong_actor_ptr from;
    std::vector<ingest_answer> answers;
    std::vector<std::pair<uint32_t, trace_context>> traced; ///< By index in `answers`.
    std::vector<place> places;                              ///< For each record.
    std::vector<std::pair<uint32_t, int64_t>> sent; ///< How many records to which partition.
    int64_t arrived_us = 0;
    int64_t sent_us = 0; ///< On the steady clock.
  };

  ingestion_config config;
  uint64_t next_batch = 1;
  absl::flat_hash_map<uint64_t, append> open;
  std::mt19937_64 random{std::random_device{}()};
};

using ingestion_ptr = observed_actor<ingestion_actor, ingestion_state>*;

ingestion_actor::behavior_type ingestion(ingestion_ptr self, ingestion_config config);

} // namespace footfall
