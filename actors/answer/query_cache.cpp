#include "actors/answer/query_cache.hpp"

#include <cassert>
#include <utility>

#include "actors/answer/query_names.hpp"
#include "actors/answer/query_parts.hpp"
#include "actors/answer/query_reads.hpp"
#include "proto/seeded_bug.hpp"

namespace footfall::query_parts {

namespace {

constexpr int64_t patience_us = 250'000;

void missed(query_ptr self, const std::vector<uint64_t>& ids) {
  auto& open = self->state.open;
  for (auto id : ids)
    if (auto at = open.find(id); at != open.end())
      ask_page(self, id, at->second);
}

// What the cache has is told of what changes a page, not of how far its partition is.
bool is_enough(query_ptr self, uint64_t id, const cached_count& found) {
  const auto at = self->state.open.find(id);
  if (at == self->state.open.end() || at->second.ask.least == 0)
    return true;
  const auto& ask = at->second.ask;
  return is_reached(found.reached, {position{home_of(self, ask), ask.least - 1}});
}

} // namespace

void look_up(query_ptr self) {
  auto& st = self->state;
  auto ids = std::exchange(st.lookups, {});
  std::erase_if(ids, [&st](uint64_t id) { return !st.open.contains(id); }); // Its time was up.
  if (ids.empty())
    return;
  auto cache = caf::actor_cast<cache_manager_actor>(st.nodes.cache);
  if (!cache) {
    missed(self, ids);
    return;
  }
  std::vector<cache_ask> keys;
  for (auto id : ids) {
    const auto& x = st.open.at(id);
    keys.push_back({page_of(x.ask), x.user_no});
  }
  // No request of CAF's: its timer would wake a thread for each.
  const auto number = st.next_lookup++;
  st.looked_up.emplace(number,
                       query_state::lookup_batch{std::move(ids), st.config.steady() + patience_us});
  self->send(cache, atom::lookup_v, st.incarnation, number, std::move(keys));
}

void take_found(query_ptr self, uint64_t number, std::vector<cached_count>& found) {
  auto& st = self->state;
  auto at = st.looked_up.find(number);
  if (at == st.looked_up.end())
    return; // It came too late.
  const auto ids = std::move(at->second.ids);
  st.looked_up.erase(at);
  assert(found.size() <= ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i >= found.size() || !found[i].hit || !is_enough(self, ids[i], found[i])) {
      missed(self, {ids[i]});
      continue;
    }
    query_answer out;
    out.source = answer_source::cache;
    out.as_of_us = found[i].as_of_us;
    out.reached = std::move(found[i].reached);
    out.clicks = found[i].clicks;
    finish(self, ids[i], std::move(out));
  }
}

void give_up_lookups(query_ptr self, int64_t now_us) {
  auto& all = self->state.looked_up;
  std::vector<uint64_t> late;
  for (const auto& [number, batch] : all)
    if (batch.until_us <= now_us)
      late.push_back(number);
  for (auto number : late) {
    const auto ids = std::move(all.at(number).ids);
    all.erase(number);
    missed(self, ids);
  }
}

void send_fills(query_ptr self) {
  auto& st = self->state;
  if (st.fills.empty() || !st.nodes.cache)
    return;
  auto cache = caf::actor_cast<cache_manager_actor>(st.nodes.cache);
  if (seeded_bug("late-fills") || seeded_bug("del-not-versions"))
    self->delayed_send(cache, std::chrono::milliseconds(50), atom::fill_v, st.incarnation,
                       std::exchange(st.fills, {}));
  else
    self->send(cache, atom::fill_v, st.incarnation, std::exchange(st.fills, {}));
}

} // namespace footfall::query_parts
