#include "actors/accept/gateway_queries.hpp"

#include <algorithm>

#include "actors/accept/gateway_bounds.hpp"
#include "actors/model/record.hpp"
#include "proto/seeded_bug.hpp"

namespace footfall::gateway_queries {

namespace {

using open_query = gateway_state::open_query;

/// So long a question waits for an actor that starts again. Most are back sooner.
constexpr int64_t held_most_us = 500'000;
/// After so long a watch that could not be told is placed again.
constexpr int64_t watch_again_us = 1'000'000;
/// With less time left nobody is asked again.
constexpr int64_t again_least_us = 500'000;
/// So many nodes may be lost, or leave, while one question is under way at them.
constexpr uint32_t asked_most = 3;
/// A node that does not answer for so long may be lost; only its link does not know it yet.
constexpr int64_t remote_patience_us = 400'000;
/// In one message: at most 256 KiB, as a question is 2.6 KB at most.
constexpr size_t piece = 96;
constexpr uint32_t retry_s = 1;

query_actor handle_of(const caf::strong_actor_ptr& x) {
  return caf::actor_cast<query_actor>(x);
}

bool is_of_one_page(const query_ask& ask) {
  return ask.kind == query_kind::count || ask.kind == query_kind::page
         || ask.kind == query_kind::users;
}

/// Partitions that pages live in; 0: not known yet.
uint32_t homes(const gateway_state& st) {
  return st.routes.homes != 0 ? st.routes.homes : static_cast<uint32_t>(st.nodes.partitions.size());
}

uint32_t home_of(const gateway_state& st, const query_ask& ask) {
  return model::partition_of(model::record_key(ask.site_id, ask.page_url), homes(st));
}

/// QUERY of some linked node, as long as there is no other change the same one for a ticket.
caf::strong_actor_ptr some_other(const gateway_state& st, const open_query& x) {
  std::vector<caf::strong_actor_ptr> all;
  for (const auto& peer : st.routes.peers)
    if (peer.query && peer.query != x.in_vain)
      all.push_back(peer.query);
  return all.empty() ? nullptr : all[x.ask.ticket % all.size()];
}

/// QUERY of another node, or null: the one here is to be asked, if there is one.
caf::strong_actor_ptr choose(const gateway_state& st, open_query& x) {
  const auto& owners = st.routes.queries;
  if (!owners.empty() && homes(st) != 0 && is_of_one_page(x.ask)) {
    x.home = home_of(st, x.ask);
    if (!x.only_here && x.home < owners.size() && owners[x.home])
      return owners[x.home];
  }
  return st.config.answers ? nullptr : some_other(st, x);
}

/// No clock of this node means anything there.
query_ask for_peer(const gateway_state& st, const query_ask& ask) {
  auto out = ask;
  const auto left_ms = (ask.deadline_us - st.config.steady()) / 1000;
  out.left_ms = static_cast<uint32_t>(std::clamp<int64_t>(left_ms, 1, 3'600'000));
  out.deadline_us = 0;
  return out;
}

void answer(gateway_ptr self, open_query x, query_answer reply) {
  auto& st = self->state;
  const auto took_us = st.config.steady() - x.since_us;
  st.config.counts->query_duration.observe(took_us);
  if (x.at)
    st.config.counts->remote_query_duration.observe(took_us);
  if (st.config.traces)
    st.config.traces->tell(x.ask.trace, "gateway",
                           [&] { return summary(x.ask.kind, reply) + by_whom(st, x.at, took_us); });
  x.done(std::move(reply));
  st.config.inbox->finished_query();
}

query_answer refusal(errc code, std::string reason) {
  query_answer out;
  out.code = code;
  out.reason = std::move(reason);
  return out;
}

/// Whether the question may be asked once more, here or of a third node.
bool may_ask_here(const gateway_state& st, const open_query& x) {
  return x.at && !x.only_here && x.ask.deadline_us - st.config.steady() >= again_least_us;
}

/// The same when it is known that the node will not answer: a gateway that answers nothing by
/// itself has others to ask, of which the next may leave as well.
bool may_ask_another(const gateway_state& st, const open_query& x) {
  return x.at && (!x.only_here || !st.config.answers) && x.asked_in_vain < asked_most
         && x.ask.deadline_us - st.config.steady() >= again_least_us;
}

/// The other node did not know, or is lost.
bool is_trouble_of_node(errc code) {
  return code == errc::store_unavailable || code == errc::shutting_down || code == errc::restarting
         || code == errc::invalid_argument; // It may not know a partition yet that was added.
}

void hold(gateway_state& st, uint64_t ticket, open_query& x) {
  add(st.config.counts->remote_queries_again);
  x.in_vain = std::exchange(x.at, nullptr);
  ++x.asked_in_vain;
  x.only_here = true;
  x.held = true;
  st.held.push_back(ticket);
}

void give_queries(gateway_ptr self) {
  auto& st = self->state;
  if (!st.config.status->has_progress)
    return; // It is known soon after the start.
  std::vector<query_ask> here;
  std::vector<std::pair<caf::strong_actor_ptr, std::vector<query_ask>>> elsewhere;
  std::vector<uint64_t> rest;
  for (const auto ticket : std::exchange(st.held, {})) {
    const auto at = st.queries.find(ticket);
    if (at == st.queries.end())
      continue;
    auto& x = at->second;
    x.at = choose(st, x);
    if (x.at) {
      gateway_bounds::begin(st, x);
      auto to = std::find_if(elsewhere.begin(), elsewhere.end(),
                             [&x](const auto& y) { return y.first == x.at; });
      if (to == elsewhere.end())
        to = elsewhere.insert(to, {x.at, {}});
      to->second.push_back(for_peer(st, x.ask));
    } else if (st.nodes.query) {
      x.ask.least = x.ask.sent_us = 0; // It may have been asked elsewhere before.
      here.push_back(std::move(x.ask));
    } else {
      rest.push_back(ticket);
      continue;
    }
    x.held = false;
  }
  st.held = std::move(rest);
  if (!here.empty())
    self->send(handle_of(st.nodes.query), atom::query_v, std::move(here));
  for (auto& [to, asks] : elsewhere) {
    add(st.config.counts->remote_queries, asks.size());
    for (size_t i = 0; i < asks.size(); i += piece) {
      const auto from = asks.begin() + static_cast<ptrdiff_t>(i);
      const auto end = from + static_cast<ptrdiff_t>(std::min(piece, asks.size() - i));
      self->send(handle_of(to), atom::query_v,
                 std::vector<query_ask>{std::move_iterator(from), std::move_iterator(end)});
    }
  }
}

void give_watch(gateway_ptr self, open_query& x) {
  auto& st = self->state;
  if (!st.config.status->has_progress)
    return;
  const auto to = choose(st, x);
  if (!to && !st.nodes.query)
    return;
  x.at = to;
  x.held = false;
  x.again_at_us = 0;
  x.ask.least = x.ask.sent_us = 0;
  if (to)
    gateway_bounds::begin(st, x);
  self->send(handle_of(to ? to : st.nodes.query), atom::watch_v, x.ask);
}

void unwatch_at(gateway_ptr self, uint64_t ticket, const caf::strong_actor_ptr& query) {
  if (query && !seeded_bug("nodes-never-unwatches"))
    self->send(handle_of(query), atom::unwatch_v, ticket);
}

bool is_linked(const page_routes& routes, const caf::strong_actor_ptr& query) {
  return std::any_of(routes.peers.begin(), routes.peers.end(),
                     [&query](const auto& x) { return x.query == query; });
}

void place_again(gateway_ptr self, uint64_t ticket, open_query& x) {
  auto& st = self->state;
  unwatch_at(self, ticket, x.at ? (is_linked(st.routes, x.at) ? x.at : nullptr) : st.nodes.query);
  x.held = true;
  give_watch(self, x);
}

// The update may be a second late; what was told never falls.
void move_watches(gateway_ptr self) {
  auto& st = self->state;
  for (auto& [ticket, x] : st.watches) {
    if (!x.held && choose(st, x) != x.at && !seeded_bug("nodes-watch-stays"))
      place_again(self, ticket, x);
  }
}

} // namespace

query_answer given_up(const gateway_state& st, const open_query& x, const char* reason) {
  if (!x.held)
    return refusal(errc::timeout, reason);
  if (!st.config.status->has_progress)
    return refusal(errc::restarting, "the node begins, and does not know yet how far others are; "
                                     "ask again");
  return refusal(errc::restarting, st.config.answers
                                       ? "the query actor starts again; ask again"
                                       : "there is no link to a node with the role query; ask "
                                         "again");
}

void start(gateway_ptr self, std::vector<gateway_inbox::query_item>& items, int64_t now_us) {
  auto& st = self->state;
  using std::chrono::microseconds;
  const auto deadline = now_us + microseconds(st.config.request_timeout).count();
  for (auto& item : items) {
    if (!item.watch) { // A watch has its ticket since it was asked for.
      item.ask.ticket = st.next_ticket++;
      item.ask.deadline_us = deadline;
    }
    const auto ticket = item.ask.ticket;
    open_query x;
    x.done = std::move(item.done);
    x.since_us = now_us;
    x.ask = std::move(item.ask);
    x.is_watch = item.watch;
    auto [at, fresh] = (item.watch ? st.watches : st.queries).emplace(ticket, std::move(x));
    if (fresh && item.watch)
      give_watch(self, at->second);
    else if (fresh)
      st.held.push_back(ticket);
  }
  give_queries(self);
}

void unwatch(gateway_ptr self, uint64_t ticket) {
  auto& st = self->state;
  const auto at = st.watches.find(ticket);
  if (at == st.watches.end())
    return;
  if (!at->second.held)
    unwatch_at(self, ticket, at->second.at ? at->second.at : st.nodes.query);
  st.watches.erase(at);
  st.config.inbox->finished_query();
}

namespace {

void take_query_answer(gateway_ptr self, uint64_t ticket, open_query& x, query_answer& reply) {
  auto& st = self->state;
  const auto from = self->current_sender();
  if (x.held || (x.at ? x.at != from : from != st.nodes.query))
    return; // It is asked elsewhere by now.
  if (is_trouble_of_node(reply.code) && may_ask_another(st, x))
    return hold(st, ticket, x);
  if (x.at && !gateway_bounds::take(st, x, reply)) {
    if (may_ask_here(st, x))
      return hold(st, ticket, x);
    reply = refusal(errc::restarting, "the node that has the page does not know yet what it "
                                      "applied; ask again");
  }
  gateway_bounds::note_told(st, x, reply);
  auto entry = std::move(x);
  st.queries.erase(ticket);
  answer(self, std::move(entry), std::move(reply));
}

void take_update(gateway_ptr self, open_query& x, query_answer& reply) {
  auto& st = self->state;
  const auto from = self->current_sender();
  if (x.held || (x.at ? x.at != from : from != st.nodes.query))
    return; // Of where the page was before.
  const bool is_void =
      x.at && (is_trouble_of_node(reply.code) || !gateway_bounds::take(st, x, reply));
  if (is_void || gateway_bounds::is_behind(st, x, reply)
      || gateway_bounds::is_outdated(st, x, reply)) {
    x.again_at_us = st.config.steady() + watch_again_us; // A page that stays as it is is silent.
    return;
  }
  x.again_at_us = 0;
  gateway_bounds::note_told(st, x, reply);
  x.done(std::move(reply));
}

} // namespace

void take_answered(gateway_ptr self, std::vector<query_answer>& answers) {
  auto& st = self->state;
  for (auto& reply : answers)
    if (const auto at = st.queries.find(reply.ticket); at != st.queries.end())
      take_query_answer(self, at->first, at->second, reply);
    else if (const auto watch = st.watches.find(reply.ticket); watch != st.watches.end())
      take_update(self, watch->second, reply);
  give_queries(self);
}

void end_those_here(gateway_ptr self) {
  auto& st = self->state;
  for (auto at = st.queries.begin(); at != st.queries.end();) {
    if (at->second.held || at->second.at) {
      ++at;
      continue;
    }
    auto x = std::move(at->second);
    at = st.queries.erase(at);
    auto reply = given_up(st, x, "the query actor was restarted; ask again");
    answer(self, std::move(x), std::move(reply));
  }
  for (auto at = st.watches.begin(); at != st.watches.end();) {
    if (at->second.held || at->second.at) {
      ++at;
      continue;
    }
    auto x = std::move(at->second);
    at = st.watches.erase(at);
    x.done(given_up(st, x, "the query actor was restarted; watch again"));
    st.config.inbox->finished_query();
  }
}

void give(gateway_ptr self) {
  give_queries(self);
  for (auto& [ticket, x] : self->state.watches)
    if (x.held)
      give_watch(self, x);
}

void take_routes(gateway_ptr self) {
  auto& st = self->state;
  const auto& peers = st.routes.peers;
  st.config.status->finds_query =
      st.config.answers
      || std::any_of(peers.begin(), peers.end(), [](const auto& x) { return x.query; });
  std::vector<uint64_t> lost;
  for (auto& [ticket, x] : st.queries)
    if (x.at && !is_linked(st.routes, x.at) && !seeded_bug("nodes-asks-once"))
      lost.push_back(ticket);
  for (const auto ticket : lost) {
    const auto at = st.queries.find(ticket);
    if (may_ask_another(st, at->second)) {
      hold(st, ticket, at->second);
      continue;
    }
    auto x = std::move(at->second);
    st.queries.erase(at);
    answer(self, std::move(x),
           refusal(errc::restarting, "the node that has the page was lost; ask again in "
                                         + std::to_string(retry_s) + " s"));
  }
  give(self);
  move_watches(self);
}

void expire(gateway_ptr self, int64_t now_us) {
  auto& st = self->state;
  using std::chrono::microseconds;
  // Who waits for a position is answered late anyway, and so may be who asks all partitions.
  for (auto& [ticket, x] : st.queries)
    if (x.ask.after.empty() && x.ask.kind != query_kind::active
        && now_us - x.since_us >= remote_patience_us && may_ask_here(st, x))
      hold(st, ticket, x);
  give(self);
  for (auto& [ticket, x] : st.watches)
    if (x.again_at_us != 0 && x.again_at_us <= now_us)
      place_again(self, ticket, x);
  const auto most = microseconds(st.config.request_timeout).count();
  for (auto at = st.queries.begin(); at != st.queries.end();) {
    const auto& x = at->second;
    if (x.since_us + (x.held ? std::min(most, held_most_us) : most) > now_us) {
      ++at;
      continue;
    }
    auto entry = std::move(at->second);
    at = st.queries.erase(at);
    auto reply = given_up(st, entry, "no answer in time; ask again");
    answer(self, std::move(entry), std::move(reply));
  }
}

} // namespace footfall::gateway_queries
