#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/model/ownership.hpp"
#include "actors/ports/clock.hpp"
#include "actors/ports/event_log.hpp"
#include "actors/ports/leases.hpp"
#include "actors/ports/metrics.hpp"
#include "actors/tend/node_status.hpp"
#include "actors/tend/observed.hpp"

namespace footfall {

struct ownership_config {
  store* events = nullptr;  ///< Outlives the actor.
  event_log* log = nullptr; ///< The same.
  metrics* counts = nullptr;
  node_status* status = nullptr; ///< The same.
  now_fn now = system_now_us;    ///< The clock of as_of.
  now_fn steady = steady_now;
  std::string node;
  bool aggregates = true;              ///< May have partitions; else it only looks who has them.
  std::string roles, address, version; ///< What other nodes are told.
  model::ownership_rules rules;
  size_t batch_max = 5000; ///< Records in one apply.
};

/// Invariant: a partition here has a claim only while `rules` says that it runs.
struct ownership_state {
  static inline const char* name = "ownership";

  /// A release that the partition is asked for.
  struct release {
    uint64_t number;
    int64_t epoch;
  };

  leases& rows() { return config.events->nodes(); }

  ownership_config config;
  wiring nodes;
  std::optional<model::ownership> rules;      ///< Once the store has numbered this process.
  std::map<uint32_t, partition_claim> claims; ///< Granted, and not handed out yet.
  std::map<uint32_t, release> releases;
  beat_answer seen;           ///< The last that came.
  uint64_t tick_no = 0;       ///< Of the timer that counts.
  int64_t wake_us = 0;        ///< When that comes; 0: there is none.
  int64_t looked_us = 0;      ///< At the log.
  int64_t awake_since_us = 0; ///< The end of the last pause in looking.
  int64_t doubt_until_us = 0; ///< See ownership_marks.
  bool draining = false;
  bool asking_progress = false;
  uint64_t asked_in = 0; ///< The store's incarnation of the last such question.
  uint64_t known_in = 0; ///< And of the last answer.
};

using ownership_ptr = observed_actor<ownership_actor, ownership_state>*;

ownership_actor::behavior_type ownership(ownership_ptr self, ownership_config config);

} // namespace footfall
