#include "actors/count/partition_waits.hpp"

#include <algorithm>

#include "actors/port_answers.hpp"

namespace footfall {

namespace {

constexpr size_t waiters_max = 10'000;
constexpr std::chrono::milliseconds ask_every{100};

void answer_below(partition_ptr self, int64_t next, uint64_t incarnation) {
  auto& st = self->state;
  auto done = [&](const auto& x) {
    if (x.offset >= next)
      return false;
    self->send(caf::actor_cast<query_actor>(x.from), atom::reached_v, x.ticket,
               position{st.config.partition, next - 1}, incarnation);
    return true;
  };
  st.waiters.erase(std::remove_if(st.waiters.begin(), st.waiters.end(), done), st.waiters.end());
}

bool is_elsewhere(const partition_state_data& st) {
  return st.config.leased && st.lease.epoch == 0;
}

} // namespace

void answer_waiters(partition_ptr self) {
  auto& st = self->state;
  const bool is_known = st.progress.running() || st.progress.stopped();
  answer_below(self, is_known ? st.progress.next_offset() : 0, st.incarnation);
  if (!is_elsewhere(st) || st.waiters.empty() || std::exchange(st.asking_progress, true))
    return;
  st.config.events->progress(to_me<std::vector<partition_state>>(
      self, atom::progress_v, st.progress.claim_no(), wait_what));
}

void answer_waiters(partition_ptr self, const std::vector<partition_state>& all) {
  auto& st = self->state;
  st.asking_progress = false;
  for (const auto& x : all)
    if (x.partition == st.config.partition)
      answer_below(self, x.next_offset, st.config.events->incarnation());
  if (!st.waiters.empty())
    self->delayed_send(self, ask_every, atom::tick_v, st.progress.claim_no(), wait_what);
}

// A query that gave up leaves its waiter behind: the oldest make room.
void await(partition_ptr self, uint64_t ticket, int64_t offset) {
  auto& st = self->state;
  if (st.waiters.size() >= waiters_max)
    st.waiters.pop_front();
  st.waiters.push_back({offset, ticket, self->current_sender()});
  answer_waiters(self);
}

} // namespace footfall
