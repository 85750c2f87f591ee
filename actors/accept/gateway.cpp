#include "actors/accept/gateway.hpp"

#include "actors/accept/gateway_queries.hpp"

namespace footfall {

ingest_reply all_rejected(std::vector<click_event>& events, errc code, const std::string& reason,
                          uint32_t retry_after_s) {
  ingest_reply out;
  out.results.resize(events.size());
  for (size_t i = 0; i < events.size(); ++i) {
    auto& x = out.results[i];
    x.status = outcome::rejected;
    x.code = code;
    x.event_id = std::move(events[i].event_id);
    x.reason = reason;
    x.retry_after_s = retry_after_s;
  }
  return out;
}

namespace {

constexpr auto tick_period = std::chrono::milliseconds(250);

/// So long a request waits for an actor that starts again. Most are back sooner.
constexpr auto held_most = std::chrono::milliseconds(500);
constexpr uint32_t retry_held_s = 1;

ingest_reply all_unknown(size_t events, const char* reason) {
  ingest_reply out;
  out.results.resize(events);
  for (auto& x : out.results) {
    x.code = errc::timeout;
    x.reason = reason;
  }
  return out;
}

/// The answer of a request that nobody will answer.
ingest_reply given_up(gateway_state::open_ingest& x, const char* reason) {
  if (!x.held)
    return all_unknown(x.events, reason);
  return all_rejected(*x.held, errc::restarting,
                      "ingestion starts again; nothing was stored; send it again", retry_held_s);
}

// Here alone, as the client is told: the log may confirm later what was answered unknown.
void count_outcomes(metrics& total, const ingest_reply& reply) {
  uint64_t counts[4] = {};
  for (const auto& x : reply.results)
    ++counts[static_cast<size_t>(x.status) & 3];
  add(total.events_accepted, counts[static_cast<size_t>(outcome::accepted)]);
  add(total.events_rejected, counts[static_cast<size_t>(outcome::rejected)]);
  add(total.events_unknown, counts[static_cast<size_t>(outcome::unknown)]);
}

void answer(gateway_ptr self, gateway_state::open_ingest x, ingest_reply reply) {
  count_outcomes(*self->state.config.counts, reply);
  x.done(std::move(reply));
  self->state.config.inbox->finished_ingest(x.events);
}

/// What is held has the highest tickets: it came last.
template <class Open, class Take>
void take_held(Open& open, Take take) {
  auto at = open.end();
  while (at != open.begin() && std::prev(at)->second.held)
    --at;
  for (; at != open.end(); ++at) {
    take(at->first, *at->second.held);
    at->second.held.reset();
  }
}

/// Gives what is held to INGESTION, if there is one.
void give_ingests(gateway_ptr self) {
  auto& st = self->state;
  auto to = caf::actor_cast<ingestion_actor>(st.nodes.ingestion);
  if (!to)
    return;
  std::vector<ingest_ask> asks;
  take_held(st.ingests, [&asks](uint64_t ticket, std::vector<click_event>& events) {
    asks.push_back({ticket, std::move(events)});
  });
  if (!asks.empty())
    self->send(to, atom::ingest_v, std::move(asks));
}

void start_ingests(gateway_ptr self, std::vector<gateway_inbox::ingest_item>& items, int64_t now) {
  auto& st = self->state;
  for (auto& x : items) {
    const auto count = x.events.size();
    st.ingests.emplace(st.next_ticket++, gateway_state::open_ingest{std::move(x.done), count, now,
                                                                    std::move(x.events)});
  }
  give_ingests(self);
}

void take_inbox(gateway_ptr self) {
  auto& st = self->state;
  std::vector<gateway_inbox::ingest_item> ingests;
  std::vector<gateway_inbox::query_item> queries;
  std::vector<uint64_t> unwatched;
  st.config.inbox->take(ingests, queries, unwatched);
  const auto now = st.config.steady();
  start_ingests(self, ingests, now);
  gateway_queries::start(self, queries, now);
  for (auto ticket : unwatched)
    gateway_queries::unwatch(self, ticket);
}

void take_ingested(gateway_ptr self, std::vector<ingest_answer>& answers) {
  auto& open = self->state.ingests;
  for (auto& x : answers) {
    auto at = open.find(x.ticket);
    if (at == open.end())
      continue; // It was answered `unknown` when its time was up.
    auto entry = std::move(at->second);
    open.erase(at);
    answer(self, std::move(entry), {std::move(x.results), x.lag_us});
  }
}

void expire_ingests(gateway_ptr self, int64_t before_us, const char* reason) {
  auto& open = self->state.ingests;
  while (!open.empty() && open.begin()->second.since_us <= before_us) {
    auto entry = std::move(open.begin()->second);
    open.erase(open.begin());
    auto reply = given_up(entry, reason);
    answer(self, std::move(entry), std::move(reply));
  }
}

void tick(gateway_ptr self) {
  auto& st = self->state;
  using std::chrono::microseconds;
  const auto now = st.config.steady();
  st.config.status->gateway_beat_us = now;
  const auto most = st.config.request_timeout;
  const auto patience = st.nodes.ingestion ? most : std::min(most, held_most);
  expire_ingests(self, now - microseconds(patience).count(),
                 "no answer in time; it may be stored; send it again with the same event_id");
  gateway_queries::expire(self, now);
  self->delayed_send(self, tick_period, atom::tick_v);
}

void rewire(gateway_ptr self, wiring& nodes) {
  auto& st = self->state;
  const auto now = st.config.steady();
  if (st.nodes.ingestion && st.nodes.ingestion != nodes.ingestion)
    expire_ingests(self, now,
                   "ingestion was restarted; it may be stored; send it again with the same "
                   "event_id");
  if (st.nodes.query && st.nodes.query != nodes.query)
    gateway_queries::end_those_here(self);
  if (st.nodes.membership != nodes.membership) // Its links end with it.
    gateway_queries::take_routes(self, {});
  st.nodes = std::move(nodes);
  give_ingests(self);
  gateway_queries::give(self);
  // Also without them: what waits has a deadline only here.
  st.config.inbox->attach(caf::actor_cast<gateway_actor>(self));
}

std::vector<state_field> describe(gateway_ptr self) {
  const auto& st = self->state;
  return {{"ingests_open", std::to_string(st.ingests.size())},
          {"queries_open", std::to_string(st.queries.size())},
          {"watches", std::to_string(st.watches.size())},
          {"requests", std::to_string(st.next_ticket - 1)}};
}

} // namespace

gateway_state::~gateway_state() {
  for (auto& [ticket, x] : ingests) {
    auto reply =
        given_up(x, "the node stops; it may be stored; send it again with the same event_id");
    count_outcomes(*config.counts, reply);
    x.done(std::move(reply));
    config.inbox->finished_ingest(x.events);
  }
  for (auto* open : {&queries, &watches})
    for (auto& [ticket, x] : *open) {
      x.done(gateway_queries::given_up(x, "the node stops; ask again"));
      config.inbox->finished_query();
    }
}

gateway_actor::behavior_type gateway(gateway_ptr self, gateway_config config) {
  self->state.config = std::move(config);
  self->entry()->set_state("running");
  self->send(self, atom::tick_v);
  return {
      [self](atom::wake) { take_inbox(self); },
      [self](atom::ingested, std::vector<ingest_answer>& xs) { take_ingested(self, xs); },
      [self](atom::answered, std::vector<query_answer>& xs) {
        gateway_queries::take_answered(self, xs);
      },
      [self](atom::route, page_routes& x) { gateway_queries::take_routes(self, std::move(x)); },
      [self](atom::tick) { tick(self); },
      [self](atom::wire, wiring& x) { rewire(self, x); },
      [self](atom::describe) { return describe(self); },
  };
}

} // namespace footfall
