#include "actors/count/ownership_marks.hpp"

#include <algorithm>

namespace footfall::ownership_marks {

namespace {

const partition_mark* mark_of(const beat_answer& seen, uint32_t partition) {
  const auto at = std::find_if(seen.marks.begin(), seen.marks.end(),
                               [=](const auto& x) { return x.partition == partition; });
  return at == seen.marks.end() ? nullptr : &*at;
}

std::string owner_of(const beat_answer& seen, uint32_t partition) {
  for (const auto& x : seen.partitions)
    if (x.partition == partition && !x.owner.nobody())
      return x.owner.node;
  return {};
}

// Of its own the partition's actor says so.
void note_stop(ownership_ptr self, uint32_t partition, partition_status& part,
               const partition_mark* mark) {
  const auto& st = self->state;
  const auto phase = part.phase.load();
  const bool is_idle = phase == partition_phase::idle;
  const bool is_stopped =
      (is_idle || phase == partition_phase::claiming) && mark && mark->stopped != stop_kind::none;
  if (is_stopped) {
    const auto owner = owner_of(st.seen, partition);
    part.set_why_stopped(mark->stopped,
                         owner.empty() ? mark->why : mark->why + " (seen by node " + owner + ")");
    if (part.stopped_at_us == 0)
      part.stopped_at_us = st.config.now() - mark->stopped_us;
  }
  if (part.is_stopped_elsewhere.exchange(is_stopped) && !is_stopped && is_idle)
    part.stopped_at_us = 0;
}

} // namespace

bool take(ownership_ptr self) {
  auto& st = self->state;
  auto& status = *st.config.status;
  bool news = false;
  for (uint32_t i = 0; i < status.parts.size(); ++i) {
    auto& part = status.parts[i];
    const auto* mark = mark_of(st.seen, i);
    note_stop(self, i, part, mark);
    const auto strays = mark ? mark->strays : 0;
    const auto before = part.strays_seen.exchange(strays);
    news = news || (before != strays && before != partition_status::not_seen);
  }
  // Nodes that began with fewer partitions have other homes for the pages.
  const bool is_grown = status.has_grown() || st.seen.partitions.size() > status.parts.size();
  const auto now = st.config.steady();
  if (!news && !is_grown) {
    // A cache takes nothing that was read before it was told to forget.
    status.doubts_memory = status.doubts_memory && now <= st.doubt_until_us;
    return false;
  }
  st.doubt_until_us = now + doubt_us;
  return !status.doubts_memory.exchange(true) || news;
}

void forget(ownership_ptr self) {
  const auto& st = self->state;
  for (uint32_t i = 0; i < st.config.status->parts.size(); ++i)
    if (auto to = caf::actor_cast<partition_actor>(st.nodes.partition(i)))
      self->send(to, atom::forget_v);
}

} // namespace footfall::ownership_marks
