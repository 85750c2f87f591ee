#include "actors/auditor.hpp"

#include <algorithm>
#include <limits>

namespace footfall {

namespace {

constexpr size_t pages_at_once = 100;
constexpr uint32_t users_max = 100'000;
constexpr size_t differences_max = 1'000;
constexpr auto positions_step = caf::atom("positions");
constexpr auto rows_step = caf::atom("rows");
constexpr auto before_step = caf::atom("before");
constexpr auto after_step = caf::atom("after");

using run = auditor_state::run;

std::string name_of(uint32_t partition) {
  return "partition " + std::to_string(partition);
}

void differs(run& x, std::string table, std::string key, int64_t expected, int64_t found) {
  if (x.reply.differences.size() < differences_max)
    x.reply.differences.push_back({std::move(table), std::move(key),
                                   static_cast<uint64_t>(std::max<int64_t>(expected, 0)),
                                   static_cast<uint64_t>(std::max<int64_t>(found, 0))});
}

// "site NUL page" for people.
std::string shown(const std::string& page) {
  auto out = page;
  std::replace(out.begin(), out.end(), '\0', ' ');
  return out;
}

// A callback of the store that sends what it gets as this step's answer.
template <class T, class Atom>
store::done<T> to_me(auditor_ptr self, Atom atom, caf::atom_value step) {
  auto me = caf::actor_cast<auditor_actor>(self);
  return [me, atom, step, number = self->state.number](caf::expected<T> x) {
    if (x)
      caf::anon_send(me, atom, number, std::move(*x));
    else
      caf::anon_send(me, atom::failed_v, number, step, std::move(x.error()));
  };
}

void fail(auditor_ptr self, const caf::error& why) {
  auto& st = self->state;
  ++st.number;
  auto x = std::move(st.now);
  self->entry()->set_state("running");
  audit_reply out;
  out.code = code_of(why);
  out.reason = text_of(why);
  x->promise.deliver(std::move(out));
}

void finish(auditor_ptr self) {
  auto& st = self->state;
  if (st.now->incarnation != st.config.events->incarnation())
    return fail(self, make_error(errc::store_unavailable,
                                 "the store went back, or became another one, meanwhile; ask "
                                 "again"));
  ++st.number;
  auto x = std::move(st.now);
  self->entry()->set_state("running");
  auto& to = x->reply;
  if (x->ask.live == audit_live::none) {
    to.not_checked.push_back("live pages (ask with live=sample or live=all)");
  } else {
    to.checked.push_back("clicks, users and types of " + std::to_string(x->compared) + " of "
                         + std::to_string(x->live) + " live pages against the store");
    if (x->compared < x->live)
      to.not_checked.push_back(std::to_string(x->live - x->compared)
                               + " live pages (live=all looks at all of them; some may have "
                                 "ended meanwhile)");
    if (x->bounded > 0)
      to.not_checked.push_back("users and types of " + std::to_string(x->bounded)
                               + " live pages that were clicked meanwhile");
  }
  to.not_checked.push_back("cached counts (each has a version, and expires)");
  to.not_checked.push_back("events that never reached the log");
  x->promise.deliver(std::move(to));
}

// What memory knows is read first: the store can only be further.
void compare_positions(auditor_ptr self) {
  auto& st = self->state;
  auto& to = st.now->reply.partitions;
  for (size_t i = 0; i < st.config.status->parts.size(); ++i) {
    const auto& part = st.config.status->parts[i];
    audit_partition row;
    row.partition = static_cast<uint32_t>(i);
    row.next_offset = part.phase == partition_phase::running ? part.next_offset.load() : -1;
    row.acknowledged_end = part.log_end;
    to.push_back(row);
    if (part.phase == partition_phase::stopped)
      differs(*st.now, "partition", name_of(row.partition) + " stopped: " + part.why_stopped(),
              row.acknowledged_end, part.next_offset);
  }
  st.config.events->progress(
      to_me<std::vector<partition_state>>(self, atom::progress_v, positions_step));
}

void take_progress(auditor_ptr self, const std::vector<partition_state>& all) {
  auto& st = self->state;
  auto& x = *st.now;
  for (auto& row : x.reply.partitions) {
    const auto known = std::exchange(row.next_offset, 0);
    row.folded_offset = 0;
    for (const auto& y : all)
      if (y.partition == row.partition) {
        row.next_offset = y.next_offset;
        row.folded_offset = y.folded_offset;
      }
    if (row.next_offset < known)
      differs(x, "partition_progress", name_of(row.partition) + ": applied, as the node knows",
              known, row.next_offset);
  }
  x.reply.checked.push_back("positions that are applied, in memory and in the store");
  st.config.events->audit(to_me<std::vector<audit_difference>>(self, atom::audit_v, rows_step));
}

void next_pages(auditor_ptr self);

void take_rows(auditor_ptr self, std::vector<audit_difference>& found) {
  auto& st = self->state;
  auto& x = *st.now;
  for (auto& y : found)
    if (x.reply.differences.size() < differences_max)
      x.reply.differences.push_back(std::move(y));
  x.reply.checked.push_back("every aggregate below the folded positions against the raw events");
  if (x.ask.live == audit_live::none)
    return finish(self);
  const auto most = x.ask.live == audit_live::all ? std::numeric_limits<uint32_t>::max()
                                                  : static_cast<uint32_t>(st.config.sample);
  const auto number = ++st.number;
  auto done = [self, number] {
    if (self->state.number == number && --self->state.now->open == 0)
      next_pages(self);
  };
  x.open = 1;
  for (uint32_t i = 0; i < st.nodes.partitions.size(); ++i)
    if (auto to = caf::actor_cast<partition_actor>(st.nodes.partitions[i])) {
      ++x.open;
      self->request(to, st.config.patience, atom::pages_v, most)
          .then(
              [self, number, i, done](live_pages& found) {
                if (self->state.number != number)
                  return;
                self->state.now->live += found.all;
                for (auto& page : found.pages)
                  self->state.now->pages.emplace_back(i, std::move(page));
                done();
              },
              [done](const caf::error&) { done(); });
    }
  done();
}

void load(auditor_ptr self, std::vector<page_key> keys, caf::atom_value step) {
  auto& st = self->state;
  ++st.number;
  auto me = caf::actor_cast<auditor_actor>(self);
  auto reply = [me, step, number = st.number](caf::expected<snapshot<page_load>> x) {
    if (!x) {
      caf::anon_send(me, atom::failed_v, number, step, std::move(x.error()));
      return;
    }
    store_answer out;
    out.reached = std::move(x->reached);
    out.pages = std::move(x->values);
    caf::anon_send(me, atom::loaded_v, number, step, std::move(out));
  };
  st.config.events->load_pages(std::move(keys), std::numeric_limits<int32_t>::max(), users_max,
                               std::move(reply));
}

page_key key_of(const std::string& page) {
  const auto end_of_site = page.find('\0');
  return {page.substr(0, end_of_site), page.substr(end_of_site + 1)};
}

void next_pages(auditor_ptr self) {
  auto& st = self->state;
  auto& x = *st.now;
  if (x.pages.empty())
    return finish(self);
  const auto n = static_cast<long>(std::min(x.pages.size(), pages_at_once));
  x.some.assign(std::make_move_iterator(x.pages.begin()),
                std::make_move_iterator(x.pages.begin() + n));
  x.pages.erase(x.pages.begin(), x.pages.begin() + n);
  x.ahead.clear();
  std::vector<page_key> keys;
  for (const auto& [home, page] : x.some)
    keys.push_back(key_of(page));
  load(self, std::move(keys), before_step);
}

void look_at_pages(auditor_ptr self);

// The partitions have handed out all that the snapshot has before a page is looked at.
void await_partitions(auditor_ptr self, store_answer& snapshot) {
  auto& st = self->state;
  auto& x = *st.now;
  x.loads = std::move(snapshot.pages);
  x.reached = std::move(snapshot.reached);
  const auto number = ++st.number;
  x.open = 0;
  for (const auto& at : x.reached)
    if (auto to = caf::actor_cast<partition_actor>(st.nodes.partition(at.partition))) {
      ++x.open;
      self->send(to, atom::await_v, number, at.offset);
    }
  if (x.open == 0)
    return look_at_pages(self);
  self->delayed_send(self, st.config.patience, atom::tick_v, number);
}

void load_again(auditor_ptr self) {
  auto& x = *self->state.now;
  if (x.ahead.empty())
    return next_pages(self);
  std::vector<page_key> keys;
  for (const auto& [page, clicks] : x.ahead)
    keys.push_back(key_of(page));
  load(self, std::move(keys), after_step);
}

void take_check(run& x, const std::string& page, uint64_t stored, page_check& found) {
  if (!found.live)
    return;
  ++x.compared;
  if (found.clicks < stored)
    differs(x, "live page", shown(page) + " clicks", static_cast<int64_t>(stored),
            static_cast<int64_t>(found.clicks));
  if (found.clicks > stored)
    x.ahead.emplace_back(page, found.clicks);
  for (auto& y : found.differences)
    if (x.reply.differences.size() < differences_max)
      x.reply.differences.push_back(
          {std::move(y.table), shown(page) + ' ' + y.key, y.expected, y.found});
}

// By way of its home, behind all that other partitions sent there.
void look_at_pages(auditor_ptr self) {
  auto& st = self->state;
  auto& x = *st.now;
  const auto number = ++st.number;
  auto done = [self, number] {
    if (self->state.number == number && --self->state.now->open == 0)
      load_again(self);
  };
  x.open = 1;
  for (size_t i = 0; i < x.some.size() && i < x.loads.size(); ++i) {
    const auto& [home, page] = x.some[i];
    auto to = caf::actor_cast<partition_actor>(st.nodes.partition(home));
    if (!to)
      continue;
    ++x.open;
    const auto stored = x.loads[i].clicks;
    self->request(to, st.config.patience, atom::check_v, page, std::move(x.loads[i]))
        .then(
            [self, number, page = page, stored, done](page_check& found) {
              if (self->state.number == number)
                take_check(*self->state.now, page, stored, found);
              done();
            },
            [done](const caf::error&) { done(); });
  }
  done();
}

void take_after(auditor_ptr self, const store_answer& snapshot) {
  auto& x = *self->state.now;
  for (size_t i = 0; i < x.ahead.size() && i < snapshot.pages.size(); ++i) {
    const auto stored = snapshot.pages[i].clicks;
    if (x.ahead[i].second > stored)
      differs(x, "live page", shown(x.ahead[i].first) + " clicks", static_cast<int64_t>(stored),
              static_cast<int64_t>(x.ahead[i].second));
    else
      ++x.bounded;
  }
  next_pages(self);
}

void take_reached(auditor_ptr self) {
  auto& x = *self->state.now;
  if (x.open > 0 && --x.open == 0)
    look_at_pages(self);
}

// The partitions do not get to where the store is: they claim, or stand still.
void give_up_waiting(auditor_ptr self) {
  auto& x = *self->state.now;
  const auto seconds = std::to_string(self->state.config.patience.count());
  x.reply.not_checked.push_back(std::to_string(x.some.size())
                                + " live pages: a partition did not hand out within " + seconds
                                + " s what the store has");
  next_pages(self);
}

caf::result<audit_reply> start(auditor_ptr self, const audit_ask& ask) {
  auto& st = self->state;
  if (st.now) {
    audit_reply busy;
    busy.code = errc::overloaded;
    busy.reason = "an audit is under way; ask again when it is done";
    return busy;
  }
  st.now = std::make_unique<run>();
  st.now->promise = self->make_response_promise<audit_reply>();
  st.now->ask = ask;
  st.now->incarnation = st.config.events->incarnation();
  self->entry()->set_state("auditing");
  ++st.number;
  auto promise = st.now->promise;
  compare_positions(self);
  return promise;
}

} // namespace

auditor_actor::behavior_type auditor(auditor_ptr self, auditor_config config) {
  self->state.config = config;
  self->entry()->set_state("running");
  auto now = [self](uint64_t number) { return self->state.now && self->state.number == number; };
  return {
      [self](atom::audit, const audit_ask& ask) { return start(self, ask); },
      [self, now](atom::progress, uint64_t n, const std::vector<partition_state>& x) {
        if (now(n))
          take_progress(self, x);
      },
      [self, now](atom::audit, uint64_t n, std::vector<audit_difference>& x) {
        if (now(n))
          take_rows(self, x);
      },
      [self, now](atom::loaded, uint64_t n, caf::atom_value step, store_answer& x) {
        if (!now(n))
          return;
        if (step == before_step)
          await_partitions(self, x);
        else
          take_after(self, x);
      },
      [self, now](atom::reached, uint64_t n, const position&, uint64_t) {
        if (now(n))
          take_reached(self);
      },
      [self, now](atom::tick, uint64_t n) {
        if (now(n) && self->state.now->open > 0)
          give_up_waiting(self);
      },
      [self, now](atom::failed, uint64_t n, caf::atom_value, const caf::error& why) {
        if (now(n))
          fail(self, why);
      },
      [self](atom::wire, wiring& x) { self->state.nodes = std::move(x); },
      [self](atom::describe) -> std::vector<state_field> {
        return {{"auditing", self->state.now ? "true" : "false"}};
      },
  };
}

} // namespace footfall
