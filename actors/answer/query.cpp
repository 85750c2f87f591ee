#include "actors/answer/query.hpp"

#include <algorithm>

#include "actors/answer/query_active.hpp"
#include "actors/answer/query_cache.hpp"
#include "actors/answer/query_names.hpp"
#include "actors/answer/query_parts.hpp"
#include "actors/answer/query_reads.hpp"
#include "proto/seeded_bug.hpp"

namespace footfall {

namespace {

using query_parts::ask_positions;
using query_parts::fail;
using query_parts::flush;
using query_parts::run;

constexpr auto tick_period = std::chrono::milliseconds(100);
constexpr int64_t watch_renewal_us = 1'000'000;
constexpr int64_t grace_us = 1'000'000;
constexpr int64_t page_patience_us = 1'000'000;

void set_tick(query_ptr self) {
  if (!self->state.open.empty() && !std::exchange(self->state.tick_set, true))
    self->delayed_send(self, tick_period, atom::tick_v);
}

std::string merge_key_of(const query_ask& ask) {
  std::string out;
  out.push_back(static_cast<char>(ask.kind));
  out.push_back(static_cast<char>(ask.step));
  for (auto number : {ask.from_us, ask.to_us, int64_t{ask.limit}})
    out.append(reinterpret_cast<const char*>(&number), sizeof number);
  out.append(ask.site_id).push_back('\0');
  out.append(ask.page_url).push_back('\0');
  return out.append(ask.user_id);
}

// A reading that began in an earlier turn may lack what another answer has told since: who
// asks now does not join it, but waits for its end, together with all who ask until then.
void take_ask(query_ptr self, query_ask& ask, const caf::strong_actor_ptr& from, bool watch) {
  auto& st = self->state;
  if (ask.left_ms > 0)
    ask.deadline_us = st.config.steady() + int64_t{std::exchange(ask.left_ms, 0)} * 1000;
  query_state::asker who{ask.ticket, from, ask.sent_us, ask.sent_us != 0 ? st.config.steady() : 0,
                         ask.trace};
  std::string key;
  bool waits = false;
  if (!watch && ask.after.empty()) {
    key = merge_key_of(ask);
    if (auto at = st.merged.find(key); at != st.merged.end()) {
      auto& same = st.open.at(at->second);
      waits = same.begun_turn != 0 && same.begun_turn != st.turn;
      if (!waits) {
        same.askers.push_back(std::move(who));
        same.ask.deadline_us = std::max(same.ask.deadline_us, ask.deadline_us);
        same.ask.least = std::max(same.ask.least, ask.least);
        add(st.config.counts->queries_merged);
        return;
      }
    }
  }
  const auto id = st.next_ticket++;
  auto& x = st.open[id];
  x.askers.push_back(std::move(who));
  x.ask = std::move(ask);
  x.watch = watch;
  x.waits = waits;
  if (st.open.size() > st.config.open_max) {
    fail(self, id, errc::overloaded, "too many queries are under way; try again");
    return;
  }
  if (!key.empty()) {
    x.merge_key = key;
    st.merged.insert_or_assign(std::move(key), id);
  }
  if (x.ask.after.empty()) {
    if (!waits)
      run(self, id);
    return;
  }
  using std::chrono::microseconds;
  x.await_until_us = st.config.steady() + microseconds(st.config.after_wait).count();
  ask_positions(self, id, false);
}

void take_reached(query_ptr self, uint64_t id, const position& at, uint64_t incarnation) {
  auto& st = self->state;
  auto found = st.open.find(id);
  if (found == st.open.end() || found->second.awaiting == 0)
    return;
  auto& x = found->second;
  if (!x.too_late && !query_parts::is_current(self, x, incarnation))
    return;
  if (at.offset >= 0)
    x.answer.reached.push_back(at);
  if (--x.awaiting > 0)
    return;
  if (!x.too_late) {
    x.confirmed = std::move(x.answer.reached);
    x.answer = {};
    run(self, id);
    return;
  }
  query_answer late;
  late.code = errc::position_not_reached;
  late.reason =
      "position " + to_string(x.ask.after) + " is not applied yet; reached "
      + (x.answer.reached.empty() ? "nothing that is known now" : to_string(x.answer.reached))
      + "; ask again";
  late.reached = std::move(x.answer.reached);
  query_parts::finish(self, id, std::move(late));
}

void renew_watch(query_ptr self, uint64_t id, query_state::open_query& x, int64_t now) {
  auto& st = self->state;
  if (st.nodes.partitions.empty())
    return;
  x.await_until_us = now + watch_renewal_us;
  page_ask ask;
  ask.ticket = id;
  ask.kind = query_kind::page;
  ask.page = query_parts::page_of(x.ask);
  ask.as_of_us = query_parts::as_of(self, x.ask);
  const auto at = query_parts::home_of(self, x.ask);
  if (auto to = caf::actor_cast<partition_actor>(st.nodes.partitions[at]))
    self->send(to, atom::watch_v, std::move(ask));
}

void tick(query_ptr self) {
  auto& st = self->state;
  st.tick_set = false;
  const auto now = st.config.steady();
  query_parts::give_up_lookups(self, now);
  query_parts::run_again(self);
  std::vector<uint64_t> late;
  std::vector<uint64_t> dead;
  std::vector<uint64_t> unsure;
  std::vector<uint64_t> silent;
  for (auto& [id, x] : st.open) {
    if (x.watch && x.await_until_us <= now)
      unsure.push_back(id);
    else if (x.watch)
      continue;
    else if (x.ask.deadline_us + grace_us < now)
      dead.push_back(id);
    else if (x.awaiting > 0 && !x.too_late && x.await_until_us <= now)
      late.push_back(id);
    else if (x.page_asked_us != 0 && x.page_asked_us + page_patience_us <= now && x.active)
      silent.push_back(id);
    else if (x.page_asked_us != 0 && x.page_asked_us + page_patience_us <= now)
      x.again = true; // Whoever was asked may have died with the question.
  }
  for (auto* ids : {&late, &dead, &unsure, &silent})
    std::sort(ids->begin(), ids->end()); // The oldest first.
  for (auto id : unsure)
    renew_watch(self, id, st.open.at(id), now);
  for (auto id : silent)
    query_parts::ask_the_silent(self, id);
  for (auto id : dead)
    fail(self, id, errc::timeout, "no answer in time; ask again");
  for (auto id : late)
    ask_positions(self, id, true);
}

// Merged queries share one entry; a watch has one of its own.
void unwatch(query_ptr self, uint64_t ticket) {
  auto& st = self->state;
  auto from = self->current_sender();
  for (auto at = st.open.begin(); at != st.open.end(); ++at) {
    const auto& x = at->second;
    if (x.watch && x.askers.front().ticket == ticket && x.askers.front().from == from) {
      st.open.erase(at);
      return;
    }
  }
}

// Nobody would say unwatch.
void forget_watches_of(query_ptr self, const caf::actor_addr& who) {
  auto& st = self->state;
  auto is_of = [&who](const caf::strong_actor_ptr& x) {
    return caf::actor_cast<caf::actor_addr>(x) == who;
  };
  absl::erase_if(st.open, [&is_of](const auto& x) {
    return !seeded_bug("nodes-watches-for-nobody") && x.second.watch
           && is_of(x.second.askers.front().from);
  });
  absl::erase_if(st.watchers, is_of);
}

std::vector<state_field> describe(query_ptr self) {
  const auto& st = self->state;
  return {{"open", std::to_string(st.open.size())},
          {"reads_under_way", std::to_string(st.reads.size())},
          {"counts_wanted", std::to_string(st.count_wanted.size())},
          {"pages_wanted", std::to_string(st.page_wanted.size())},
          {"known_users", std::to_string(st.user_numbers.size())}};
}

void begin(query_ptr self, query_config config) {
  self->state.config = std::move(config);
  self->state.incarnation = self->state.config.events->incarnation();
  self->entry()->set_state("running");
  self->set_down_handler([self](caf::down_msg& x) { forget_watches_of(self, x.source); });
}

} // namespace

query_actor::behavior_type query(query_ptr self, query_config config) {
  begin(self, std::move(config));
  auto done = [self] {
    flush(self);
    set_tick(self);
    ++self->state.turn;
  };
  return {
      [self, done](atom::query, std::vector<query_ask>& asks) {
        if (!self->current_sender())
          return; // Nobody could be answered.
        for (auto& x : asks)
          take_ask(self, x, self->current_sender(), false);
        done();
      },
      [self, done](atom::watch, query_ask& x) {
        if (!self->current_sender())
          return;
        if (self->state.watchers.insert(self->current_sender()).second)
          self->monitor(caf::actor_cast<caf::actor>(self->current_sender()));
        take_ask(self, x, self->current_sender(), true);
        done();
      },
      [self](atom::unwatch, uint64_t ticket) { unwatch(self, ticket); },
      [self, done](atom::told, std::vector<page_answer>& xs) {
        for (auto& x : xs)
          query_parts::take_page(self, x);
        done();
      },
      [self](atom::active, const active_ask& x) { query_parts::pass_on(self, x); },
      [self, done](atom::active, active_part& x) {
        query_parts::take_active(self, x);
        done();
      },
      [self](atom::route, page_routes& x) { self->state.routes = std::move(x); },
      [self, done](atom::reached, uint64_t id, const position& at, uint64_t incarnation) {
        take_reached(self, id, at, incarnation);
        done();
      },
      [self, done](atom::found, uint64_t number, std::vector<cached_count>& found) {
        query_parts::take_found(self, number, found);
        done();
      },
      [self, done](atom::loaded, store_answer& x) {
        query_parts::take_read(self, x);
        done();
      },
      [self, done](atom::renewed, uint64_t incarnation) {
        query_parts::renew(self, incarnation);
        done();
      },
      [self, done](atom::tick) {
        tick(self);
        done();
      },
      [self](atom::wire, wiring& x) { self->state.nodes = std::move(x); },
      [self](atom::describe) { return describe(self); },
  };
}

} // namespace footfall
