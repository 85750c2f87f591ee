#include "actors/answer/query_active.hpp"

#include <algorithm>

#include "actors/answer/query_parts.hpp"
#include "actors/answer/query_reads.hpp"
#include "actors/model/active_visitors.hpp"
#include "actors/model/record.hpp"

namespace footfall::query_parts {

namespace {

using open_query = query_state::open_query;
using gathering = query_state::active_gathering;

constexpr int64_t second_us = 1'000'000;
/// So often it is asked when a partition said nothing for a second each time: it may move.
constexpr uint32_t tries_max = 3;

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

void finish_active(query_ptr self, uint64_t id, open_query& x) {
  auto& all = *x.active;
  // What partitions said that they had applied, they had told the others before. A node that has
  // a partition may not have been told yet of what it applied, though.
  auto reached = x.confirmed;
  std::erase_if(reached,
                [&all](const position& y) { return all.first_said.contains(y.partition); });
  raise(reached, all.answer.reached);
  if (!is_reached(reached, x.ask.after)) {
    x.again = true;
    return;
  }
  // Whoever clicked on pages of several partitions is in the list of each.
  std::sort(all.users.begin(), all.users.end());
  const auto end = std::unique(all.users.begin(), all.users.end());
  std::sort(all.pages.begin(), all.pages.end(), model::is_busier);
  auto out = std::move(all.answer);
  out.reached = std::move(reached);
  out.source = answer_source::actor;
  out.users = static_cast<uint64_t>(end - all.users.begin());
  for (auto& page : all.pages)
    if (out.rows.size() < x.ask.limit)
      out.rows.push_back({std::move(page.page_url), page.clicks, page.visitors});
  out.more = all.all_pages > out.rows.size();
  if (all.since_s > all.from_s)
    out.since_us = all.since_s * second_us;
  out.as_of_us = all.asked_us - all.age_us;
  std::sort(out.reached.begin(), out.reached.end(),
            [](const auto& a, const auto& b) { return a.partition < b.partition; });
  finish(self, id, std::move(out));
}

} // namespace

void ask_active(query_ptr self, uint64_t id) {
  auto& st = self->state;
  auto& x = st.open.at(id);
  const auto tries = x.active ? x.active->tries + 1 : 1;
  if (st.nodes.partitions.empty())
    return fail(self, id, errc::store_unavailable, "the node is starting; ask again in a moment");
  if (tries > tries_max)
    return fail(self, id, errc::store_unavailable,
                "partition " + std::to_string(*x.active->missing.begin())
                    + " does not say who is active on its pages: it starts, or moves to another "
                      "node; ask again");
  x.active = std::make_shared<gathering>();
  auto& all = *x.active;
  all.tries = tries;
  all.asked_us = st.config.now();
  all.from_s = all.asked_us / second_us - model::active_visitors::window_s + 1;
  if (x.ask.page_url.empty())
    for (uint32_t i = 0; i < st.nodes.partitions.size(); ++i)
      all.missing.insert(i);
  else
    all.missing.insert(home_of(self, x.ask));
  active_ask ask{id,         x.ask.site_id, x.ask.page_url,
                 all.from_s, x.ask.limit,   caf::actor_cast<caf::strong_actor_ptr>(self)};
  for (const auto& to : owners_elsewhere(st, all.missing))
    self->send(caf::actor_cast<query_actor>(to), atom::active_v, ask);
  pass_on(self, ask);
  x.page_asked_us = st.config.steady();
}

void pass_on(query_ptr self, const active_ask& ask) {
  const auto& all = self->state.nodes.partitions;
  const auto count = static_cast<uint32_t>(all.size());
  const auto home = ask.page_url.empty()
                        ? count
                        : model::partition_of(model::record_key(ask.site_id, ask.page_url), count);
  for (uint32_t i = 0; i < count; ++i)
    if (auto to = caf::actor_cast<partition_actor>(all[i]); to && (home == count || home == i))
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
  all.users.insert(all.users.end(), said.users.begin(), said.users.end());
  std::move(said.pages.begin(), said.pages.end(), std::back_inserter(all.pages));
  if (!said.is_last)
    return;
  all.answer.clicks += said.clicks;
  all.all_pages += said.all_pages;
  all.since_s = std::max(all.since_s, said.since_s);
  all.age_us = std::max(all.age_us, said.age_us);
  raise(all.answer.reached, said.reached);
  all.missing.erase(said.partition);
  if (!all.missing.empty())
    return;
  x.page_asked_us = 0;
  finish_active(self, said.ticket, x);
}

} // namespace footfall::query_parts
