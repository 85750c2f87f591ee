#include "actors/count/page_aggregator.hpp"

#include <algorithm>
#include <cassert>

#include "proto/site_text.hpp"

namespace footfall {

namespace {

constexpr int64_t watch_lease_us = 5'000'000;
constexpr auto watch_period = std::chrono::milliseconds(200);
constexpr size_t early_asks_max = 10'000;
constexpr size_t watchers_max = 1'000;

void tell(page_aggregator_ptr self, const caf::strong_actor_ptr& to, page_answer answer) {
  if (to)
    self->send(caf::actor_cast<query_actor>(to), atom::told_v,
               std::vector<page_answer>{std::move(answer)});
}

page_answer answer_to(page_aggregator_ptr self, const page_ask& ask) {
  auto& st = self->state;
  page_answer out;
  out.ticket = ask.ticket;
  out.loaded_now = std::exchange(st.first_ask, false);
  out.incarnation = st.config.rules->incarnation;
  out.live = st.counts.detailed()
             && (ask.kind != query_kind::page || st.counts.hour_known(st.config.rules->now()));
  out.version = st.counts.clicks();
  out.as_of_us = st.as_of_us = std::max(st.as_of_us, ask.as_of_us);
  out.reached = st.counts.reached();
  if (!out.live)
    return out;
  out.users = st.counts.users();
  switch (ask.kind) {
  case query_kind::count: out.clicks = st.counts.clicks_of(ask.user_no); break;
  case query_kind::users:
    out.clicks = st.counts.clicks();
    out.rows = st.counts.top_users(ask.limit);
    break;
  default:
    out.clicks = st.counts.clicks();
    out.rows = st.counts.by_type();
    out.minutes = st.counts.last_hour(st.config.rules->now());
  }
  return out;
}

void mind_limits(page_aggregator_ptr self) {
  auto& st = self->state;
  if (!st.counts.detailed()) {
    st.counts.forget_details(); // What a load brought all the same.
    return;
  }
  const auto pairs = st.counts.users() + st.counts.by_type().size();
  const auto more = static_cast<int64_t>(pairs) - st.pairs_taken;
  st.pairs_taken += more;
  const auto left = st.config.rules->pairs_left->fetch_sub(more) - more;
  if (st.counts.users() <= st.config.rules->users_max && left >= 0)
    return;
  st.counts.forget_details();
  st.config.rules->pairs_left->fetch_add(std::exchange(st.pairs_taken, 0));
}

void take_load(page_aggregator_ptr self, page_load& snapshot, const std::vector<position>& at) {
  auto& st = self->state;
  st.as_of_us = std::max(st.as_of_us, snapshot.as_of_us);
  st.counts.load(std::move(snapshot), at);
  mind_limits(self);
  self->entry()->set_state("running");
  add(st.config.rules->counts->pages_loaded);
  // The clicks that came while it loaded told the cache nothing: what it holds of
  // before goes, what it holds of now stays.
  if (st.config.rules->cache && st.counts.clicks() > 0)
    self->send(st.config.rules->cache, atom::advance_v, st.config.rules->incarnation,
               std::vector<cache_advance>{
                   {st.config.page, 0, st.counts.clicks(), st.as_of_us, st.counts.reached(), {}}});
  if (st.asked)
    for (auto& x : std::exchange(st.asked->early, {}))
      tell(self, x.from, answer_to(self, x.ask));
}

/// At once after a quiet spell, behind what waits already; else when a period is over.
void tell_watchers_soon(page_aggregator_ptr self) {
  const auto& st = self->state;
  const auto quiet = std::chrono::microseconds(st.config.rules->steady() - st.asked->told_us);
  if (quiet >= watch_period)
    self->send(self, atom::tick_v);
  else
    self->delayed_send(self, watch_period - quiet, atom::tick_v);
}

void take_delta(page_aggregator_ptr self, const page_delta& delta) {
  auto& st = self->state;
  const auto before = st.counts.clicks();
  const auto now = st.config.rules->now();
  auto changed = st.counts.apply(delta, now);
  st.as_of_us = std::max(st.as_of_us, delta.as_of_us);
  if (!st.counts.loaded() || st.counts.clicks() == before)
    return;
  assert(st.counts.clicks() == before + delta.clicks.size());
  mind_limits(self);
  // Without the user map it is not known whose counts changed: all of them go.
  const auto from = changed.empty() ? 0 : before;
  if (st.config.rules->cache)
    self->send(st.config.rules->cache, atom::advance_v, st.config.rules->incarnation,
               std::vector<cache_advance>{{st.config.page, from, st.counts.clicks(), st.as_of_us,
                                           st.counts.reached(), std::move(changed)}});
  if (st.asked && !st.asked->watchers.empty() && !std::exchange(st.tick_set, true))
    tell_watchers_soon(self);
}

void take_ask(page_aggregator_ptr self, page_ask& ask, const position& reached,
              const caf::strong_actor_ptr& from) {
  auto& st = self->state;
  if (st.counts.loaded()) {
    st.counts.advance(reached);
    tell(self, from, answer_to(self, ask));
  } else if (st.listeners().early.size() < early_asks_max) {
    st.listeners().early.push_back({std::move(ask), from});
  } else {
    page_answer busy;
    busy.ticket = ask.ticket;
    busy.code = errc::overloaded;
    busy.reason = "too many questions wait for this page to load; try again";
    tell(self, from, std::move(busy));
  }
}

void take_watch(page_aggregator_ptr self, page_ask& ask, const position& reached,
                const caf::strong_actor_ptr& from) {
  auto& st = self->state;
  const auto until = st.config.rules->steady() + watch_lease_us;
  auto& watchers = st.listeners().watchers;
  for (auto& x : watchers)
    if (x.ticket == ask.ticket && x.from == from) {
      x.until_us = until;
      return;
    }
  if (watchers.size() >= watchers_max) {
    page_answer busy;
    busy.ticket = ask.ticket;
    busy.code = errc::overloaded;
    busy.reason = "1,000 clients watch this page already; try again later";
    tell(self, from, std::move(busy));
    return;
  }
  watchers.push_back({ask.ticket, from, until});
  take_ask(self, ask, reached, from);
}

void tell_watchers(page_aggregator_ptr self) {
  auto& st = self->state;
  st.tick_set = false;
  const auto now = st.config.rules->steady();
  st.listeners().told_us = now;
  auto& watchers = st.listeners().watchers;
  std::erase_if(watchers, [now](const auto& x) { return x.until_us < now; });
  page_ask ask;
  ask.kind = query_kind::page;
  for (const auto& x : watchers) {
    ask.ticket = x.ticket;
    tell(self, x.from, answer_to(self, ask));
  }
}

void fail_all(page_aggregator_ptr self, const caf::error& why) {
  for (auto& x : std::exchange(self->state.listeners().early, {})) {
    page_answer out;
    out.ticket = x.ask.ticket;
    out.code = code_of(why);
    out.reason = text_of(why);
    tell(self, x.from, std::move(out));
  }
  self->quit(why);
}

// Others are asked for more: what waits for the load is asked of the store.
void passivate(page_aggregator_ptr self) {
  auto& st = self->state;
  if (st.asked)
    for (auto& x : std::exchange(st.asked->early, {})) {
      page_answer out;
      out.ticket = x.ask.ticket;
      tell(self, x.from, std::move(out));
    }
  self->quit();
}

page_check check(page_aggregator_ptr self, const page_load& stored) {
  const auto& x = self->state.counts;
  if (!x.loaded())
    return {};
  return {true, x.clicks(), x.differences(stored)};
}

std::vector<state_field> describe(page_aggregator_ptr self) {
  auto& st = self->state;
  const auto& x = st.counts;
  return {{"loaded", x.loaded() ? "true" : "false"},
          {"page_no", std::to_string(x.page_no())},
          {"clicks", std::to_string(x.clicks())},
          {"users", x.detailed() ? std::to_string(x.users()) : "null"},
          {"last_at_us", std::to_string(x.last_at_us())},
          {"position", '"' + to_string(x.reached()) + '"'},
          {"watchers", std::to_string(st.asked ? st.asked->watchers.size() : 0)},
          {"waiting_batches", std::to_string(x.waiting_batches())}};
}

} // namespace

page_aggregator_state::~page_aggregator_state() {
  if (!config.rules)
    return;
  config.rules->pairs_left->fetch_add(pairs_taken);
  config.rules->counts->pages_live.fetch_sub(1);
}

page_aggregator_state::audience& page_aggregator_state::listeners() {
  if (!asked)
    asked = std::make_unique<audience>();
  return *asked;
}

page_aggregator_actor::behavior_type page_aggregator(page_aggregator_ptr self,
                                                     page_aggregator_config config) {
  self->entry()->set_key(shown_in_site(config.page));
  self->entry()->set_state("loading");
  self->state.config = std::move(config);
  add(self->state.config.rules->counts->pages_live);
  return {
      [self](atom::loaded, page_load& x, const std::vector<position>& at) {
        take_load(self, x, at);
      },
      [self](atom::failed, const caf::error& why) { fail_all(self, why); },
      [self](atom::delta, const page_delta& x) { take_delta(self, x); },
      [self](atom::ask, page_ask& x, const position& at, const caf::strong_actor_ptr& from) {
        take_ask(self, x, at, from);
      },
      [self](atom::watch, page_ask& x, const position& at, const caf::strong_actor_ptr& from) {
        take_watch(self, x, at, from);
      },
      [self](atom::check, const page_load& x) { return check(self, x); },
      [self](atom::passivate) { passivate(self); },
      [self](atom::tick) { tell_watchers(self); },
      [self](atom::describe) { return describe(self); },
  };
}

} // namespace footfall
