#include "actors/count/partition_lease.hpp"

#include <algorithm>

#include "actors/count/partition_active.hpp"
#include "actors/count/partition_pages.hpp"
#include "actors/model/ownership.hpp"
#include "actors/port_answers.hpp"

namespace footfall::partition_lease {

namespace {

ownership_actor owner_of(partition_ptr self) {
  return caf::actor_cast<ownership_actor>(self->state.nodes.ownership);
}

void lie_idle(partition_ptr self) {
  auto& st = self->state;
  auto& status = *st.config.status;
  const auto now = st.config.node->has_joined ? partition_phase::idle : partition_phase::claiming;
  if (status.phase.load() == partition_phase::stopped)
    status.is_stopped_elsewhere = true; // Until a beat says otherwise.
  const auto before = status.phase.exchange(now);
  if (before == partition_phase::running || before == partition_phase::stopped)
    partition_pages::forget_untold(self); // What is cached of it is not renewed any more.
  partition_active::forget(self);
  status.live_pages = 0;
  status.applies.well(st.config.steady()); // What failed is another's now.
  status.folds.well(st.config.steady());
  self->entry()->set_state("idle");
  if (st.nodes.reader)
    self->send(caf::actor_cast<log_reader_actor>(st.nodes.reader), atom::close_v,
               st.config.partition);
}

} // namespace

void ask_to_claim(partition_ptr self) {
  auto& st = self->state;
  if (st.lease.releasing)
    return end_release(self);
  const auto epoch = std::exchange(st.lease.epoch, 0);
  if (epoch == 0)
    return lie_idle(self);
  self->entry()->set_state("waiting for a claim");
  if (auto to = owner_of(self))
    self->send(to, atom::reclaim_v, st.config.partition, epoch);
}

void tell_fenced(partition_ptr self) {
  auto& st = self->state;
  if (st.lease.releasing)
    return end_release(self);
  const auto epoch = std::exchange(st.lease.epoch, 0);
  self->entry()->set_error("another owner took the partition over");
  lie_idle(self);
  if (auto to = owner_of(self); to && epoch != 0)
    self->send(to, atom::fenced_v, st.config.partition, epoch);
}

void take(partition_ptr self, const partition_claim& x) {
  auto& st = self->state;
  st.lease = {x.epoch, false, 0};
}

void drop(partition_ptr self) {
  self->state.lease = {};
  lie_idle(self);
}

bool begin_release(partition_ptr self) {
  auto& st = self->state;
  st.lease.releasing = true;
  return !st.progress.applying();
}

void end_release(partition_ptr self) {
  auto& st = self->state;
  const auto epoch = st.lease.epoch;
  drop(self);
  if (auto to = owner_of(self))
    self->send(to, atom::released_v, st.config.partition, epoch);
}

void mark(partition_ptr self) {
  auto& st = self->state;
  const bool is_stopped = st.progress.stopped();
  const auto epoch = st.config.leased ? st.lease.epoch : st.claimed.epoch;
  const bool is_news = is_stopped ? st.config.leased : std::exchange(st.claimed.is_marked, false);
  if (!is_news || epoch == 0)
    return;
  const auto me = st.config.leased ? st.config.node->cluster().me : owner_id{};
  const auto& status = *st.config.status;
  st.config.events->nodes().mark_stopped(
      st.config.partition, me, epoch, is_stopped ? status.stopped.load() : stop_kind::none,
      is_stopped ? status.why_stopped() : std::string{},
      to_me<bool>(self, atom::marked_v, st.progress.claim_no(), mark_what));
}

void mark_later(partition_ptr self) {
  auto& st = self->state;
  st.claimed.is_marked = true; // As far as is known.
  self->delayed_send(self, std::chrono::seconds{1}, atom::tick_v, st.progress.claim_no(),
                     mark_what);
}

std::optional<int64_t> live_as_of(partition_ptr self, int64_t as_of_us) {
  auto& st = self->state;
  if (!st.config.leased)
    return as_of_us;
  if (!st.progress.running())
    return {};
  const auto& status = *st.config.status;
  if (status.fresh_epoch != st.lease.epoch)
    return {};
  const auto now = st.config.steady();
  std::optional<int64_t> applying;
  if (st.progress.applying())
    applying = st.sent_at_us;
  const auto live_us = st.config.live_max.count();
  const auto out = model::live_as_of({status.confirmed_us, status.fresh_until_us}, live_us, now,
                                     st.lease.applied_us, applying);
  if (!out)
    return {};
  return std::min(as_of_us, st.config.now() - (now - *out));
}

int64_t applied_as_of(partition_ptr self, int64_t as_of_us) {
  const auto& st = self->state;
  if (!st.config.leased)
    return as_of_us;
  return std::min(as_of_us, st.config.now() - (st.config.steady() - st.sent_at_us));
}

} // namespace footfall::partition_lease
