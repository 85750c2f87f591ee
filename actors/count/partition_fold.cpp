#include "actors/count/partition_fold.hpp"

#include <algorithm>

#include "actors/count/partition_answers.hpp"
#include "actors/count/partition_pages.hpp"

namespace footfall::partition_fold {

namespace {

void later(partition_ptr self) {
  auto& st = self->state;
  if (!std::exchange(st.fold_set, true))
    self->delayed_send(self, st.config.fold_every, atom::tick_v, st.claim_no, fold_tick);
}

} // namespace

void soon(partition_ptr self) {
  auto& st = self->state;
  const auto behind = st.next_offset - st.folded_offset;
  if (behind <= 0 || st.folding)
    return;
  if (behind >= static_cast<int64_t>(st.config.fold_max))
    self->send(self, atom::tick_v, st.claim_no, fold_tick);
  else
    later(self);
}

void run(partition_ptr self) {
  auto& st = self->state;
  st.fold_set = false;
  if (!st.running || st.folding || st.folded_offset >= st.next_offset)
    return;
  st.fold_until = st.folds.end(st.folded_offset, st.config.fold_max);
  st.folding = true;
  st.fold_sent_us = st.config.now();
  st.config.events->fold(st.config.partition, st.folded_offset, st.fold_until,
                         to_me<fold_result>(self, atom::folded_v, fold_tick));
}

bool take(partition_ptr self, const fold_result& result) {
  auto& st = self->state;
  st.folding = false;
  if (!result.moved) { // Somebody else folded: learn how far.
    st.config.events->progress(
        to_me<std::vector<partition_state>>(self, atom::progress_v, progress_what));
    return false;
  }
  st.folded_offset = st.fold_until;
  st.config.status->folds.well(st.config.now());
  add(st.config.counts->folds);
  add(st.config.counts->events_folded, result.events);
  st.config.counts->fold_duration.observe(st.config.now() - st.fold_sent_us);
  partition_pages::tell_cache(self, result);
  soon(self);
  return true;
}

void take_progress(partition_ptr self, const std::vector<partition_state>& all) {
  auto& st = self->state;
  const auto before = st.folded_offset;
  for (const auto& x : all)
    if (x.partition == st.config.partition)
      st.folded_offset = std::max(st.folded_offset, x.folded_offset);
  if (st.folded_offset == before)
    return later(self);
  st.tail_lost = true; // Of which pages it was, was told to somebody else, or to nobody.
  partition_pages::tell_cache(self, {});
  soon(self);
}

void failed(partition_ptr self, const caf::error& why) {
  auto& st = self->state;
  st.folding = false;
  st.config.status->folds.failed(st.config.now(), text_of(why));
  later(self);
}

} // namespace footfall::partition_fold
