#include "actors/count/partition_fold.hpp"

#include <algorithm>

#include "actors/count/partition_pages.hpp"
#include "actors/port_answers.hpp"

namespace footfall::partition_fold {

namespace {

/// A burst that the store applies faster than it folds waits, and that is no fault.
constexpr int64_t burst_us = 30'000'000;

} // namespace

void run(partition_ptr self, caf::atom_value what) {
  auto& st = self->state;
  if (!(what == fold_tick ? st.progress.fold_due() : st.progress.begin_fold()))
    return;
  st.fold_sent_us = st.config.steady();
  st.config.events->fold(
      st.config.partition, st.progress.folded_offset(), st.progress.fold_end(),
      to_me<fold_result>(self, atom::folded_v, st.progress.claim_no(), fold_tick));
}

void note_wait(partition_ptr self) {
  auto& st = self->state;
  const auto now = st.config.steady();
  auto& status = *st.config.status;
  if (status.waits_for_folds_us == 0)
    status.waits_for_folds_us = now;
  const auto fault = status.folds.why(now);
  const auto waited = now - status.waits_for_folds_us;
  if (fault.empty() && waited < burst_us)
    return;
  status.applies.failed(now, "applies wait for folds: " + std::to_string(st.progress.unfolded())
                                 + " records are applied and not folded, and no more may be; "
                                 + (fault.empty() ? "folds are slower for "
                                                        + std::to_string(waited / 1'000'000) + " s"
                                                  : "folds fail: " + fault));
}

model::progress_steps take(partition_ptr self, const fold_result& result) {
  auto& st = self->state;
  if (!result.moved) { // Somebody else folded: learn how far.
    st.config.events->progress(to_me<std::vector<partition_state>>(
        self, atom::progress_v, st.progress.claim_no(), progress_what));
    return {};
  }
  auto steps = st.progress.folded(st.config.steady());
  st.config.status->folds.well(st.config.steady());
  add(st.config.counts->folds);
  add(st.config.counts->events_folded, result.events);
  st.config.counts->fold_duration.observe(st.config.steady() - st.fold_sent_us);
  partition_pages::tell_cache(self, result);
  show(self);
  return steps;
}

model::progress_steps take_progress(partition_ptr self, const std::vector<partition_state>& all) {
  auto& st = self->state;
  const auto before = st.progress.folded_offset();
  auto folded = before;
  for (const auto& x : all)
    if (x.partition == st.config.partition)
      folded = std::max(folded, x.folded_offset);
  auto steps = st.progress.learn_folded(folded, st.config.steady());
  if (st.progress.folded_offset() > before) {
    st.pages.fold_untold(); // Of which pages it was, was told to somebody else, or to nobody.
    partition_pages::tell_cache(self, {});
  }
  show(self);
  return steps;
}

model::progress_steps failed(partition_ptr self, const caf::error& why) {
  auto& st = self->state;
  st.config.status->folds.failed(st.config.steady(), text_of(why));
  return st.progress.fold_failed(st.config.steady());
}

} // namespace footfall::partition_fold
