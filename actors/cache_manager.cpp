#include "actors/cache_manager.hpp"

namespace footfall {

namespace {

using values = std::vector<cached_count>;

caf::result<values> lookup(cache_manager_ptr self, std::vector<cache_ask>& keys) {
  auto& st = self->state;
  const auto number = st.next_lookup++;
  auto promise = self->make_response_promise<values>();
  st.open.emplace(number, promise);
  auto me = caf::actor_cast<cache_manager_actor>(self);
  st.config.values->get(std::move(keys), [me, number](values found) {
    caf::anon_send(me, atom::loaded_v, number, std::move(found));
  });
  return promise;
}

void take_found(cache_manager_ptr self, uint64_t number, values& found) {
  auto& st = self->state;
  auto at = st.open.find(number);
  if (at == st.open.end())
    return;
  uint64_t hits = 0;
  for (const auto& x : found)
    hits += x.hit;
  add(st.config.counts->cache_hits, hits);
  add(st.config.counts->cache_misses, found.size() - hits);
  at->second.deliver(std::move(found));
  st.open.erase(at);
}

} // namespace

cache_manager_actor::behavior_type cache_manager(cache_manager_ptr self,
                                                 cache_manager_config config) {
  self->state.config = config;
  self->entry()->set_state("running");
  return {
      [self](atom::lookup, std::vector<cache_ask>& keys) { return lookup(self, keys); },
      [self](atom::loaded, uint64_t number, values& found) { take_found(self, number, found); },
      [self](atom::fill, std::vector<cache_fill>& xs) {
        add(self->state.config.counts->cache_fills, xs.size());
        self->state.config.values->fill(std::move(xs));
      },
      [self](atom::advance, std::vector<cache_advance>& xs) {
        self->state.config.values->advance(std::move(xs));
      },
      [self](atom::describe) -> std::vector<state_field> {
        const auto& st = self->state;
        return {{"health", '"' + st.config.values->health() + '"'},
                {"hits", std::to_string(st.config.counts->cache_hits.load())},
                {"misses", std::to_string(st.config.counts->cache_misses.load())}};
      },
  };
}

} // namespace footfall
