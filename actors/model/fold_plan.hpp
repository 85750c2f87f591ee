#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

namespace footfall::model {

/// How far to fold next, so that a fold has about so many log records at most: a range
/// of offsets alone does not tell, for many may have no record.
class fold_plan {
public:
  /// What was applied below `next_offset` is not known.
  void start(int64_t next_offset) {
    counted_from_ = next_offset;
    steps_.clear();
  }
  /// An apply of so many records moved to `next_offset`; `under_way` is where the fold
  /// ends that runs now, or the last one did.
  void add(int64_t next_offset, size_t records, int64_t under_way, size_t most) {
    if (!steps_.empty() && steps_.back().first > under_way
        && steps_.back().second + records <= most)
      steps_.back() = {next_offset, steps_.back().second + records};
    else
      steps_.emplace_back(next_offset, records);
  }
  /// Where the next fold ends; above `folded_offset` while there is anything to fold.
  int64_t end(int64_t folded_offset, size_t most) {
    if (folded_offset < counted_from_)
      return std::min(counted_from_, folded_offset + static_cast<int64_t>(most));
    while (!steps_.empty() && steps_.front().first <= folded_offset)
      steps_.pop_front();
    return steps_.empty() ? folded_offset : steps_.front().first;
  }

private:
  int64_t counted_from_ = 0;
  std::deque<std::pair<int64_t, size_t>> steps_; ///< Where each ends, and its records.
};

} // namespace footfall::model
