#pragma once

#include <functional>
#include <map>

#include "actors/interfaces.hpp"
#include "actors/tend/observed.hpp"

namespace footfall {

struct redriver_config {
  store* events = nullptr; ///< Outlives the actor.
  /// The way that clients' events go: request_handler::ingest.
  std::function<void(std::vector<click_event>, request_handler::ingest_done)> ingest;
};

/// Invariant: a bad event is marked only with the log's report on its event in hand.
/// So one that is given up in between is appended again, with the same id.
struct redriver_state {
  static inline const char* name = "redriver";

  /// One request on its way: read, append, mark.
  struct run {
    caf::typed_response_promise<redrive_reply> promise;
    redrive_ask ask;
    size_t looked_up = 0; ///< Of ask.positions.
    std::vector<bad_event> rows;
    redrive_reply reply;
    std::vector<size_t> places; ///< For each event sent: its result in `reply`.
  };

  redriver_config config;
  uint64_t next_run = 1;
  uint64_t redriven = 0;
  std::map<uint64_t, run> runs;
};

using redriver_ptr = observed_actor<redriver_actor, redriver_state>*;

redriver_actor::behavior_type redriver(redriver_ptr self, redriver_config config);

} // namespace footfall
