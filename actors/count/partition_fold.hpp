#pragma once

#include "actors/count/partition.hpp"

/// The part of a partition that folds what it has applied.
namespace footfall::partition_fold {

inline constexpr auto fold_tick = caf::atom("fold");
inline constexpr auto progress_what = caf::atom("progress");

inline bool is_of_fold(caf::atom_value what) {
  return what == fold_tick || what == progress_what;
}

/// A fold is due once `fold_every` is over, or at once when there is much to fold.
void soon(partition_ptr self);

/// Folds now, unless a fold is under way or there is nothing to fold.
void run(partition_ptr self);

/// @returns whether the folded offset moved.
bool take(partition_ptr self, const fold_result& result);

/// Somebody else folded: how far.
void take_progress(partition_ptr self, const std::vector<partition_state>& all);

/// The fold, or asking how far another one came, failed.
void failed(partition_ptr self, const caf::error& why);

} // namespace footfall::partition_fold
