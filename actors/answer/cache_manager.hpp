#pragma once

#include "actors/interfaces.hpp"
#include "actors/ports/metrics.hpp"
#include "actors/tend/observed.hpp"

namespace footfall {

struct cache_manager_config {
  cache* values = nullptr; ///< Outlives the actor.
  metrics* counts = nullptr;
  uint64_t incarnation = 0; ///< Of the store, as far as it is known.
};

/// Invariant: the cache holds what was read in `config.incarnation`, nothing else.
struct cache_manager_state {
  static inline const char* name = "cache_manager";
  cache_manager_config config;
};

using cache_manager_ptr = observed_actor<cache_manager_actor, cache_manager_state>*;

cache_manager_actor::behavior_type cache_manager(cache_manager_ptr self,
                                                 cache_manager_config config);

} // namespace footfall
