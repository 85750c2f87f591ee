#include "actors/answer/query_active.hpp"

#include <algorithm>

#include "actors/answer/query_parts.hpp"
#include "actors/answer/query_reads.hpp"
#include "actors/model/active_visitors.hpp"

namespace footfall::query_parts {

namespace {

using open_query = query_state::open_query;
using gathering = query_state::active_gathering;

constexpr int64_t second_us = 1'000'000;
/// So often who says nothing for a second is asked: a partition may move.
constexpr uint32_t tries_max = 3;
/// Each has the partitions look through all of their pages, and they apply meanwhile.
constexpr size_t asks_max = 16;

/// Other nodes that have some of these partitions, each once.
std::vector<caf::strong_actor_ptr> owners_elsewhere(const query_state& st,
                                                    const std::set<uint32_t>& partitions) {
  std::vector<caf::strong_actor_ptr> out;
  for (const auto i : partitions) {
    const auto x = i < st.routes.queries.size() ? st.routes.queries[i] : nullptr;
    if (x && std::find(out.begin(), out.end(), x) == out.end())
      out.push_back(x);
  }
  return out;
}

void ask_the_missing(query_ptr self, uint64_t id, open_query& x) {
  auto& st = self->state;
  auto& all = *x.active;
  ++all.tries;
  active_ask ask{id,
                 x.ask.site_id,
                 x.ask.page_url,
                 active_ask::all,
                 x.ask.limit,
                 caf::actor_cast<caf::strong_actor_ptr>(self)};
  if (all.missing.size() == 1)
    ask.partition = *all.missing.begin();
  for (const auto& to : owners_elsewhere(st, all.missing))
    self->send(caf::actor_cast<query_actor>(to), atom::active_v, ask);
  pass_on(self, ask);
  x.page_asked_us = st.config.steady();
}

/// What is asked from the beginning, while it is asked.
void begin_gathering(query_ptr self, open_query& x) {
  auto& st = self->state;
  x.active = std::make_shared<gathering>();
  auto& all = *x.active;
  all.asked_us = st.config.now();
  all.as_of_us = as_of(self, x.ask); // Before anybody answers: of each partition the least.
  if (x.ask.page_url.empty())
    for (uint32_t i = 0; i < st.nodes.partitions.size(); ++i)
      all.missing.insert(i);
  else
    all.missing.insert(home_of(self, x.ask));
}

// What partitions said that they had applied, they had told the others before. A node that has a
// partition may not have been told yet of what it applied, though.
bool has_reached(open_query& x) {
  auto& all = *x.active;
  auto reached = x.confirmed;
  std::erase_if(reached,
                [&all](const position& y) { return all.first_said.contains(y.partition); });
  raise(reached, all.answer.reached);
  const bool out = is_reached(reached, x.ask.after);
  all.answer.reached = std::move(reached);
  return out;
}

void finish_active(query_ptr self, uint64_t id, open_query& x) {
  auto& all = *x.active;
  auto& st = self->state;
  if (!has_reached(x)) {
    if (st.config.steady() >= x.await_until_us)
      return fail(self, id, errc::position_not_reached,
                  "position " + to_string(x.ask.after)
                      + " is applied, and the node that has its "
                        "partition does not know it yet; ask again");
    begin_gathering(self, x); // Again at the next tick, all of it.
    x.active->tries = 1;
    x.page_asked_us = 1;
    return;
  }
  // Whoever clicked on pages of several partitions is in the list of each.
  std::sort(all.users.begin(), all.users.end());
  const auto end = std::unique(all.users.begin(), all.users.end());
  std::sort(all.pages.begin(), all.pages.end(), model::is_busier);
  auto out = std::move(all.answer);
  out.source = answer_source::actor;
  out.users = static_cast<uint64_t>(end - all.users.begin());
  for (auto& page : all.pages)
    if (out.rows.size() < x.ask.limit)
      out.rows.push_back({std::move(page.page_url), page.clicks, page.visitors});
  out.more = all.all_pages > out.rows.size();
  // By now the windows of all of them have begun.
  const auto first_s = st.config.now() / second_us - model::active_visitors::window_s + 1;
  if (all.missing_s > 0)
    out.since_us = (first_s + all.missing_s) * second_us;
  out.as_of_us = all.as_of_us;
  std::sort(out.reached.begin(), out.reached.end(),
            [](const auto& a, const auto& b) { return a.partition < b.partition; });
  finish(self, id, std::move(out));
}

size_t asks_under_way(const query_state& st) {
  return static_cast<size_t>(std::count_if(
      st.open.begin(), st.open.end(), [](const auto& x) { return x.second.active != nullptr; }));
}

} // namespace

void ask_active(query_ptr self, uint64_t id) {
  auto& st = self->state;
  auto& x = st.open.at(id);
  if (st.nodes.partitions.empty())
    return fail(self, id, errc::store_unavailable, "the node is starting; ask again in a moment");
  if (!x.active && asks_under_way(st) >= asks_max)
    return fail(self, id, errc::overloaded,
                "too many ask who is active; ask again in a moment, or keep /v1/live open");
  begin_gathering(self, x);
  ask_the_missing(self, id, x);
}

void ask_the_silent(query_ptr self, uint64_t id) {
  auto& st = self->state;
  auto& x = st.open.at(id);
  const auto& all = *x.active;
  if (all.tries < tries_max)
    return ask_the_missing(self, id, x);
  fail(self, id, errc::store_unavailable,
       "partition " + std::to_string(*all.missing.begin())
           + " does not say who is active on its pages: it starts, or moves to another node; ask "
             "again");
}

void pass_on(query_ptr self, const active_ask& ask) {
  const auto& all = self->state.nodes.partitions;
  for (uint32_t i = 0; i < all.size(); ++i)
    if (auto to = caf::actor_cast<partition_actor>(all[i]);
        to && (ask.partition == active_ask::all || ask.partition == i))
      self->send(to, atom::active_v, ask);
}

void take_active(query_ptr self, active_part& said) {
  auto& st = self->state;
  const auto at = st.open.find(said.ticket);
  if (at == st.open.end() || !at->second.active)
    return;
  auto& x = at->second;
  auto& all = *x.active;
  if (!all.missing.contains(said.partition))
    return;
  const auto from = self->current_sender();
  const auto& first = all.first_said.try_emplace(said.partition, from).first->second;
  if (first != from)
    return; // Both may have it while it moves: each alone is right.
  if (said.code != errc::none)
    return fail(self, said.ticket, said.code, std::move(said.reason));
  // What another node numbers its incarnations by is its own matter. Until all have seen that
  // the store is another one, `since` says that clicks are missing.
  const bool is_here = from && from->node() == self->node();
  if (is_here && !is_current(self, x, said.incarnation))
    return;
  all.tries = 1;
  x.page_asked_us = st.config.steady();
  all.users.insert(all.users.end(), said.users.begin(), said.users.end());
  std::move(said.pages.begin(), said.pages.end(), std::back_inserter(all.pages));
  if (!said.is_last)
    return;
  all.answer.clicks += said.clicks;
  all.all_pages += said.all_pages;
  all.missing_s = std::max(all.missing_s, said.missing_s);
  all.as_of_us = std::min(all.as_of_us, all.asked_us - said.age_us);
  raise(all.answer.reached, said.reached);
  all.missing.erase(said.partition);
  if (!all.missing.empty())
    return;
  x.page_asked_us = 0;
  finish_active(self, said.ticket, x);
}

} // namespace footfall::query_parts
