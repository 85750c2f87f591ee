#include "actors/tend/audit_pages.hpp"

#include <algorithm>
#include <limits>

#include "actors/port_answers.hpp"

namespace footfall::audit_pages {

namespace {

constexpr size_t pages_at_once = 100;
constexpr uint32_t users_max = 100'000;
constexpr auto before_step = caf::atom("before");
constexpr auto after_step = caf::atom("after");

using run = auditor_state::run;

void load(auditor_ptr self, std::vector<page_key> keys, caf::atom_value step) {
  auto& st = self->state;
  ++st.number;
  auto me = caf::actor_cast<auditor_actor>(self);
  auto reply = [me, step, number = st.number](caf::expected<snapshot<page_load>> x) {
    if (!x) {
      caf::anon_send(me, atom::failed_v, number, step, std::move(x.error()));
      return;
    }
    caf::anon_send(me, atom::loaded_v, number, step, answer_of(x, fill_pages));
  };
  st.config.events->load_pages(std::move(keys), std::numeric_limits<int32_t>::max(), users_max,
                               std::move(reply));
}

void next_pages(auditor_ptr self) {
  auto& st = self->state;
  auto& x = *st.now;
  if (x.pages.empty())
    return finish_audit(self);
  const auto n = static_cast<long>(std::min(x.pages.size(), pages_at_once));
  x.some.assign(std::make_move_iterator(x.pages.begin()),
                std::make_move_iterator(x.pages.begin() + n));
  x.pages.erase(x.pages.begin(), x.pages.begin() + n);
  x.ahead.clear();
  std::vector<page_key> keys;
  for (const auto& [home, page] : x.some)
    keys.push_back(page_key_of(page));
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
    keys.push_back(page_key_of(page));
  load(self, std::move(keys), after_step);
}

void take_check(run& x, const std::string& page, uint64_t stored, page_check& found) {
  if (!found.live)
    return;
  ++x.compared;
  if (found.clicks < stored)
    x.differs("live page", shown_in_site(page) + " clicks", static_cast<int64_t>(stored),
              static_cast<int64_t>(found.clicks));
  if (found.clicks > stored)
    x.ahead.emplace_back(page, found.clicks);
  for (auto& y : found.differences)
    if (x.reply.differences.size() < run::differences_max)
      x.reply.differences.push_back(
          {std::move(y.table), shown_in_site(page) + ' ' + y.key, y.expected, y.found});
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
      x.differs("live page", shown_in_site(x.ahead[i].first) + " clicks",
                static_cast<int64_t>(stored), static_cast<int64_t>(x.ahead[i].second));
    else
      ++x.bounded;
  }
  next_pages(self);
}

} // namespace

void begin(auditor_ptr self) {
  auto& st = self->state;
  auto& x = *st.now;
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

void look_at(auditor_ptr self, uint32_t home, std::string page) {
  auto& x = *self->state.now;
  x.pages.emplace_back(home, std::move(page));
  next_pages(self);
}

void take_loads(auditor_ptr self, caf::atom_value step, store_answer& snapshot) {
  if (step == before_step)
    await_partitions(self, snapshot);
  else
    take_after(self, snapshot);
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

} // namespace footfall::audit_pages
