#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/model/page_state.hpp"
#include "actors/ports/clock.hpp"
#include "actors/ports/metrics.hpp"
#include "actors/tend/observed.hpp"

namespace footfall {

/// What all live pages of a partition share.
struct page_rules {
  now_fn now;
  now_fn steady; ///< For how long a watch lasts.
  metrics* counts = nullptr;
  cache_manager_actor cache; ///< May be null.
  uint32_t users_max = 100'000;
  /// (page, user) and (page, type) pairs that all live pages of the node may hold
  /// together.
  std::shared_ptr<std::atomic<int64_t>> pairs_left;
  uint64_t incarnation = 0; ///< Of the store that the pages are of.
};

struct page_aggregator_config {
  std::string page; ///< "site NUL page".
  std::shared_ptr<const page_rules> rules;
};

/// Invariant: holds committed clicks of its page only, each once. There may be
/// hundreds of thousands: what few pages need stands behind a pointer.
struct page_aggregator_state {
  static inline const char* name = "page_aggregator";
  ~page_aggregator_state();

  struct waiting {
    page_ask ask;
    caf::strong_actor_ptr from;
  };
  struct watcher {
    uint64_t ticket = 0;
    caf::strong_actor_ptr from;
    int64_t until_us = 0;
  };
  struct audience {
    std::vector<waiting> early; // Asked before the state was loaded.
    std::vector<watcher> watchers;
    int64_t told_us = 0; // When they were told last, by the steady clock.
  };
  /// Made when it is needed first.
  audience& listeners();

  page_aggregator_config config;
  model::page_state counts;
  std::unique_ptr<audience> asked;
  int64_t pairs_taken = 0;
  int64_t as_of_us = 0; ///< `counts` have every acknowledged click that arrived before.
  bool first_ask = true;
  bool tick_set = false;
};

using page_aggregator_ptr = observed_actor<page_aggregator_actor, page_aggregator_state>*;

page_aggregator_actor::behavior_type page_aggregator(page_aggregator_ptr self,
                                                     page_aggregator_config config);

} // namespace footfall
