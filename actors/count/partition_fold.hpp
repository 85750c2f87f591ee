#pragma once

#include "actors/count/partition.hpp"

/// The part of a partition that folds what it has applied.
namespace footfall::partition_fold {

inline constexpr auto fold_tick = caf::atom("fold");
inline constexpr auto fold_now = caf::atom("fold.now");
inline constexpr auto progress_what = caf::atom("progress");

inline bool is_of_fold(caf::atom_value what) {
  return what == fold_tick || what == progress_what;
}

/// Folds now, unless a fold is under way, or failed a moment ago, or there is nothing to fold.
void run(partition_ptr self, caf::atom_value what);

/// Applies wait until folds have caught up.
void note_wait(partition_ptr self);

/// A fold ended.
model::progress_steps take(partition_ptr self, const fold_result& result);

/// Somebody else folded: how far.
model::progress_steps take_progress(partition_ptr self, const std::vector<partition_state>& all);

/// The fold, or asking how far another one came, failed.
model::progress_steps failed(partition_ptr self, const caf::error& why);

} // namespace footfall::partition_fold
