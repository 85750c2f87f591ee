#include "actors/count/partition_waits.hpp"

#include <algorithm>

namespace footfall {

namespace {

constexpr size_t waiters_max = 10'000;

} // namespace

void answer_waiters(partition_ptr self) {
  auto& st = self->state;
  const auto next = st.progress.running() || st.progress.stopped() ? st.progress.next_offset() : 0;
  auto done = [&](const auto& x) {
    if (x.offset >= next)
      return false;
    self->send(caf::actor_cast<query_actor>(x.from), atom::reached_v, x.ticket,
               position{st.config.partition, next - 1}, st.incarnation);
    return true;
  };
  st.waiters.erase(std::remove_if(st.waiters.begin(), st.waiters.end(), done), st.waiters.end());
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
