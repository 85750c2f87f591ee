#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/ports/clock.hpp"
#include "actors/tend/node_status.hpp"
#include "actors/tend/observed.hpp"

namespace footfall {

struct inspector_config {
  now_fn steady = steady_now;
  /// How often the child of that name and key was restarted.
  std::function<uint64_t(const std::string& name, const std::string& key)> restarts;
  std::string node = {};               ///< Its name in a cluster; empty: it is alone.
  const node_status* status = nullptr; ///< Has the links to other nodes. Outlives the actor.
};

struct inspector_state {
  static inline const char* name = "inspector";

  /// What an actor had processed when it was last looked at.
  struct sample {
    uint64_t processed = 0;
    int64_t at_us = 0;
    uint64_t rate_milli = 0;
  };

  /// A list to which other nodes are to add theirs.
  struct open_list {
    caf::typed_response_promise<actors_reply> promise;
    actors_reply reply;
    std::map<caf::strong_actor_ptr, std::string> awaited; ///< INSPECTORs, with their nodes.
  };

  inspector_config config;
  std::map<caf::actor_id, sample> samples;
  std::vector<peer_route> peers;
  uint64_t next_number = 1;
  std::map<uint64_t, open_list> lists;
  std::map<uint64_t, caf::typed_response_promise<actor_detail>> details;
};

using inspector_ptr = observed_actor<inspector_actor, inspector_state>*;

inspector_actor::behavior_type inspector(inspector_ptr self, inspector_config config);

} // namespace footfall
