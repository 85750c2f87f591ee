#pragma once

#include <functional>
#include <map>

#include "actors/interfaces.hpp"
#include "actors/ports/clock.hpp"
#include "actors/tend/observed.hpp"

namespace footfall {

struct inspector_config {
  now_fn steady = steady_now;
  /// How often the child of that name and key was restarted.
  std::function<uint64_t(const std::string& name, const std::string& key)> restarts;
};

struct inspector_state {
  static inline const char* name = "inspector";

  /// What an actor had processed when it was last looked at.
  struct sample {
    uint64_t processed = 0;
    int64_t at_us = 0;
    uint64_t rate_milli = 0;
  };

  inspector_config config;
  std::map<caf::actor_id, sample> samples;
};

using inspector_ptr = observed_actor<inspector_actor, inspector_state>*;

inspector_actor::behavior_type inspector(inspector_ptr self, inspector_config config);

} // namespace footfall
