#include "actors/accept/gateway.hpp"

namespace footfall {

bool gateway_inbox::put(ingest_item& item) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (ingests_open_ >= requests_max_ || events_open_ + item.events.size() > events_max_)
    return false;
  ++ingests_open_;
  events_open_ += item.events.size();
  ingests_.push_back(std::move(item));
  wake(lock);
  return true;
}

bool gateway_inbox::put(query_item& item) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (queries_open_ >= requests_max_)
    return false;
  ++queries_open_;
  queries_.push_back(std::move(item));
  wake(lock);
  return true;
}

void gateway_inbox::put_unwatch(uint64_t ticket) {
  std::unique_lock<std::mutex> lock(mutex_);
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

void gateway_inbox::attach(gateway_actor gateway) {
  std::unique_lock<std::mutex> lock(mutex_);
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

namespace {

constexpr auto tick_period = std::chrono::milliseconds(250);

ingest_reply all_unknown(size_t events, const char* reason) {
  ingest_reply out;
  out.results.resize(events);
  for (auto& x : out.results) {
    x.code = errc::timeout;
    x.reason = reason;
  }
  return out;
}

void answer(gateway_ptr self, gateway_state::open_ingest x, ingest_reply reply) {
  x.done(std::move(reply));
  self->state.config.inbox->finished_ingest(x.events);
}

void answer(gateway_ptr self, gateway_state::open_query x, query_answer reply) {
  self->state.config.counts->query_duration.observe(self->state.config.now() - x.since_us);
  x.done(std::move(reply));
  self->state.config.inbox->finished_query();
}

query_answer no_answer(const char* reason) {
  query_answer out;
  out.code = errc::timeout;
  out.reason = reason;
  return out;
}

void start_ingests(gateway_ptr self, std::vector<gateway_inbox::ingest_item>& items, int64_t now) {
  auto& st = self->state;
  std::vector<ingest_ask> asks;
  for (auto& x : items) {
    const auto ticket = st.next_ticket++;
    st.ingests.emplace(ticket, gateway_state::open_ingest{std::move(x.done), x.events.size(), now});
    asks.push_back({ticket, std::move(x.events)});
  }
  if (!asks.empty() && st.nodes.ingestion)
    self->send(caf::actor_cast<ingestion_actor>(st.nodes.ingestion), atom::ingest_v,
               std::move(asks));
}

void start_queries(gateway_ptr self, std::vector<gateway_inbox::query_item>& items, int64_t now) {
  auto& st = self->state;
  using std::chrono::microseconds;
  const auto deadline = now + microseconds(st.config.request_timeout).count();
  auto to = caf::actor_cast<query_actor>(st.nodes.query);
  std::vector<query_ask> asks;
  for (auto& x : items) {
    gateway_state::open_query entry{std::move(x.done), now, x.watch};
    if (x.watch) { // Its ticket was given when it was asked for.
      st.watches.emplace(x.ask.ticket, std::move(entry));
      if (to)
        self->send(to, atom::watch_v, std::move(x.ask));
      continue;
    }
    x.ask.ticket = st.next_ticket++;
    x.ask.deadline_us = deadline;
    st.queries.emplace(x.ask.ticket, std::move(entry));
    asks.push_back(std::move(x.ask));
  }
  if (!asks.empty() && to)
    self->send(to, atom::query_v, std::move(asks));
}

void take_inbox(gateway_ptr self) {
  auto& st = self->state;
  std::vector<gateway_inbox::ingest_item> ingests;
  std::vector<gateway_inbox::query_item> queries;
  std::vector<uint64_t> unwatched;
  st.config.inbox->take(ingests, queries, unwatched);
  const auto now = st.config.now();
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

// `everything`: the actor that should answer is gone.
void expire_ingests(gateway_ptr self, int64_t before_us, const char* reason) {
  auto& open = self->state.ingests;
  while (!open.empty() && open.begin()->second.since_us <= before_us) {
    auto entry = std::move(open.begin()->second);
    open.erase(open.begin());
    const auto events = entry.events;
    add(self->state.config.counts->events_unknown, events);
    answer(self, std::move(entry), all_unknown(events, reason));
  }
}

void expire_queries(gateway_ptr self, int64_t before_us, const char* reason) {
  auto& open = self->state.queries;
  while (!open.empty() && open.begin()->second.since_us <= before_us) {
    auto entry = std::move(open.begin()->second);
    open.erase(open.begin());
    answer(self, std::move(entry), no_answer(reason));
  }
}

void tick(gateway_ptr self) {
  auto& st = self->state;
  using std::chrono::microseconds;
  const auto now = st.config.now();
  st.config.status->gateway_beat_us = now;
  const auto before = now - microseconds(st.config.request_timeout).count();
  expire_ingests(self, before,
                 "no answer in time; it may be stored; send it again with the same event_id");
  expire_queries(self, before, "no answer in time; ask again");
  self->delayed_send(self, tick_period, atom::tick_v);
}

void rewire(gateway_ptr self, wiring& nodes) {
  auto& st = self->state;
  const auto now = st.config.now();
  if (st.nodes.ingestion && st.nodes.ingestion != nodes.ingestion)
    expire_ingests(self, now,
                   "ingestion was restarted; it may be stored; send it again with the same "
                   "event_id");
  if (st.nodes.query && st.nodes.query != nodes.query) {
    expire_queries(self, now, "the query actor was restarted; ask again");
    for (auto& [ticket, x] : std::exchange(st.watches, {})) {
      x.done(no_answer("the query actor was restarted; watch again"));
      st.config.inbox->finished_query();
    }
  }
  st.nodes = std::move(nodes);
  if (st.nodes.ingestion && st.nodes.query)
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
    x.done(all_unknown(x.events, "the node stops; it may be stored; send it again with the same "
                                 "event_id"));
    config.inbox->finished_ingest(x.events);
  }
  for (auto* open : {&queries, &watches})
    for (auto& [ticket, x] : *open) {
      x.done(no_answer("the node stops; ask again"));
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
