#include "actors/accept/gateway.hpp"

namespace footfall {

gateway_inbox::answer gateway_inbox::put(ingest_item& item) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (closed_)
    return answer::closed;
  if (ingests_open_ >= requests_max_ || events_open_ + item.events.size() > events_max_)
    return answer::full;
  ++ingests_open_;
  events_open_ += item.events.size();
  ingests_.push_back(std::move(item));
  wake(lock);
  return answer::taken;
}

gateway_inbox::answer gateway_inbox::put(query_item& item) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (closed_)
    return answer::closed;
  if (queries_open_ >= requests_max_)
    return answer::full;
  ++queries_open_;
  queries_.push_back(std::move(item));
  wake(lock);
  return answer::taken;
}

void gateway_inbox::put_unwatch(uint64_t ticket) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (closed_)
    return;
  unwatched_.push_back(ticket);
  wake(lock);
}

void gateway_inbox::take(std::vector<ingest_item>& ingests, std::vector<query_item>& queries,
                         std::vector<uint64_t>& unwatched) {
  std::lock_guard<std::mutex> lock(mutex_);
  woken_ = false;
  ingests.swap(ingests_);
  queries.swap(queries_);
  unwatched.swap(unwatched_);
}

void gateway_inbox::finished_ingest(size_t events) {
  std::lock_guard<std::mutex> lock(mutex_);
  --ingests_open_;
  events_open_ -= events;
}

void gateway_inbox::finished_query() {
  std::lock_guard<std::mutex> lock(mutex_);
  --queries_open_;
}

size_t gateway_inbox::in_flight() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return ingests_open_ + queries_open_;
}

void gateway_inbox::close(std::vector<ingest_item>& ingests, std::vector<query_item>& queries) {
  std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  gateway_ = nullptr;
  ingests.swap(ingests_);
  queries.swap(queries_);
}

void gateway_inbox::attach(gateway_actor gateway) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (closed_)
    return;
  gateway_ = std::move(gateway);
  woken_ = false;
  if (!ingests_.empty() || !queries_.empty() || !unwatched_.empty())
    wake(lock);
}

void gateway_inbox::wake(std::unique_lock<std::mutex>& lock) {
  if (woken_ || !gateway_)
    return;
  woken_ = true;
  auto to = gateway_;
  lock.unlock();
  caf::anon_send(to, atom::wake_v);
}

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

query_answer given_up(const gateway_state::open_query& x, const char* reason) {
  query_answer out;
  out.code = x.held ? errc::restarting : errc::timeout;
  out.reason = x.held ? "the query actor starts again; ask again" : reason;
  return out;
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

void answer(gateway_ptr self, gateway_state::open_query x, query_answer reply) {
  self->state.config.counts->query_duration.observe(self->state.config.steady() - x.since_us);
  x.done(std::move(reply));
  self->state.config.inbox->finished_query();
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

void give_queries(gateway_ptr self) {
  auto& st = self->state;
  auto to = caf::actor_cast<query_actor>(st.nodes.query);
  if (!to)
    return;
  std::vector<query_ask> asks;
  take_held(st.queries, [&asks](uint64_t, query_ask& ask) { asks.push_back(std::move(ask)); });
  if (!asks.empty())
    self->send(to, atom::query_v, std::move(asks));
}

void give_watch(gateway_ptr self, gateway_state::open_query& x) {
  if (auto to = caf::actor_cast<query_actor>(self->state.nodes.query); to && x.held)
    self->send(to, atom::watch_v, *std::exchange(x.held, std::nullopt));
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

void start_queries(gateway_ptr self, std::vector<gateway_inbox::query_item>& items, int64_t now) {
  auto& st = self->state;
  using std::chrono::microseconds;
  const auto deadline = now + microseconds(st.config.request_timeout).count();
  for (auto& x : items) {
    if (!x.watch) { // A watch has its ticket since it was asked for.
      x.ask.ticket = st.next_ticket++;
      x.ask.deadline_us = deadline;
    }
    const auto ticket = x.ask.ticket;
    auto& open = x.watch ? st.watches : st.queries;
    auto [at, fresh] =
        open.emplace(ticket, gateway_state::open_query{std::move(x.done), now, std::move(x.ask)});
    if (fresh && x.watch)
      give_watch(self, at->second);
  }
  give_queries(self);
}

void take_inbox(gateway_ptr self) {
  auto& st = self->state;
  std::vector<gateway_inbox::ingest_item> ingests;
  std::vector<gateway_inbox::query_item> queries;
  std::vector<uint64_t> unwatched;
  st.config.inbox->take(ingests, queries, unwatched);
  const auto now = st.config.steady();
  start_ingests(self, ingests, now);
  start_queries(self, queries, now);
  for (auto ticket : unwatched) {
    if (st.watches.erase(ticket) > 0)
      st.config.inbox->finished_query();
    if (st.nodes.query)
      self->send(caf::actor_cast<query_actor>(st.nodes.query), atom::unwatch_v, ticket);
  }
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

void take_answered(gateway_ptr self, std::vector<query_answer>& answers) {
  auto& st = self->state;
  for (auto& x : answers) {
    auto at = st.queries.find(x.ticket);
    if (at != st.queries.end()) {
      auto entry = std::move(at->second);
      st.queries.erase(at);
      answer(self, std::move(entry), std::move(x));
      continue;
    }
    auto watch = st.watches.find(x.ticket);
    if (watch != st.watches.end())
      watch->second.done(std::move(x));
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

void expire_queries(gateway_ptr self, int64_t before_us, const char* reason) {
  auto& open = self->state.queries;
  while (!open.empty() && open.begin()->second.since_us <= before_us) {
    auto entry = std::move(open.begin()->second);
    open.erase(open.begin());
    auto reply = given_up(entry, reason);
    answer(self, std::move(entry), std::move(reply));
  }
}

void end_watches(gateway_ptr self, const char* reason) {
  auto& st = self->state;
  for (auto& [ticket, x] : std::exchange(st.watches, {})) {
    x.done(given_up(x, reason));
    st.config.inbox->finished_query();
  }
}

void tick(gateway_ptr self) {
  auto& st = self->state;
  using std::chrono::microseconds;
  const auto now = st.config.steady();
  st.config.status->gateway_beat_us = now;
  auto before = [&](const caf::strong_actor_ptr& who) {
    const auto most = st.config.request_timeout;
    return now - microseconds(who ? most : std::min(most, held_most)).count();
  };
  expire_ingests(self, before(st.nodes.ingestion),
                 "no answer in time; it may be stored; send it again with the same event_id");
  expire_queries(self, before(st.nodes.query), "no answer in time; ask again");
  self->delayed_send(self, tick_period, atom::tick_v);
}

void rewire(gateway_ptr self, wiring& nodes) {
  auto& st = self->state;
  const auto now = st.config.steady();
  if (st.nodes.ingestion && st.nodes.ingestion != nodes.ingestion)
    expire_ingests(self, now,
                   "ingestion was restarted; it may be stored; send it again with the same "
                   "event_id");
  if (st.nodes.query && st.nodes.query != nodes.query) {
    expire_queries(self, now, "the query actor was restarted; ask again");
    end_watches(self, "the query actor was restarted; watch again");
  }
  st.nodes = std::move(nodes);
  give_ingests(self);
  give_queries(self);
  for (auto& [ticket, x] : st.watches)
    give_watch(self, x);
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
      x.done(given_up(x, "the node stops; ask again"));
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
      [self](atom::answered, std::vector<query_answer>& xs) { take_answered(self, xs); },
      [self](atom::tick) { tick(self); },
      [self](atom::wire, wiring& x) { rewire(self, x); },
      [self](atom::describe) { return describe(self); },
  };
}

} // namespace footfall
