#include "actors/answer/cache_manager.hpp"

#include <algorithm>

namespace footfall {

namespace {

// A store that went back may give its numbers again: nothing of before is kept.
void renew(cache_manager_ptr self, uint64_t incarnation) {
  auto& config = self->state.config;
  if (incarnation <= config.incarnation)
    return;
  config.incarnation = incarnation;
  config.values->forget();
}

// False for what is of an older incarnation of the store.
bool is_current(cache_manager_ptr self, uint64_t incarnation) {
  renew(self, incarnation);
  return incarnation == self->state.config.incarnation;
}

// The answer goes straight from the cache's callback to the asker.
void lookup(cache_manager_ptr self, uint64_t incarnation, uint64_t number,
            std::vector<cache_ask>& keys) {
  auto to = caf::actor_cast<query_actor>(self->current_sender());
  if (!is_current(self, incarnation)) {
    if (to)
      self->send(to, atom::found_v, number, std::vector<cached_count>(keys.size()));
    return;
  }
  auto& config = self->state.config;
  config.values->get(std::move(keys), [=, counts = config.counts](auto found) {
    const auto hits = static_cast<uint64_t>(
        std::count_if(found.begin(), found.end(), [](const auto& x) { return x.hit; }));
    add(counts->cache_hits, hits);
    add(counts->cache_misses, found.size() - hits);
    if (to)
      caf::anon_send(to, atom::found_v, number, std::move(found));
  });
}

} // namespace

cache_manager_actor::behavior_type cache_manager(cache_manager_ptr self,
                                                 cache_manager_config config) {
  self->state.config = config;
  self->entry()->set_state("running");
  self->state.config.values->forget(); // What waited for one before this died with it.
  return {
      [self](atom::lookup, uint64_t incarnation, uint64_t number, std::vector<cache_ask>& keys) {
        lookup(self, incarnation, number, keys);
      },
      [self](atom::fill, uint64_t incarnation, std::vector<cache_fill>& xs) {
        if (!is_current(self, incarnation))
          return;
        add(self->state.config.counts->cache_fills, xs.size());
        self->state.config.values->fill(std::move(xs));
      },
      [self](atom::advance, uint64_t incarnation, std::vector<cache_advance>& xs) {
        if (is_current(self, incarnation))
          self->state.config.values->advance(std::move(xs));
      },
      [self](atom::forget) { self->state.config.values->forget(); },
      [self](atom::renewed, uint64_t incarnation) { renew(self, incarnation); },
      [self](atom::describe) -> std::vector<state_field> {
        const auto& st = self->state;
        return {{"health", '"' + st.config.values->health() + '"'},
                {"hits", std::to_string(st.config.counts->cache_hits.load())},
                {"misses", std::to_string(st.config.counts->cache_misses.load())}};
      },
  };
}

} // namespace footfall
