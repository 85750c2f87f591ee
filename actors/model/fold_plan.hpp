#pragma once

#include <algorithm>
#include <cassert>
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
    records_ = 0;
  }
  /// An apply of so many records moved to `next_offset`; `under_way` is where the fold
  /// ends that runs now, or the last one did. Applies of `most` in all are one step of folds.
  void add(int64_t next_offset, size_t records, int64_t under_way, size_t most) {
    assert(next_offset > (steps_.empty() ? counted_from_ : steps_.back().first));
    records_ += records;
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
    drop(folded_offset);
    if (steps_.empty())
      return folded_offset;
    auto out = steps_.begin();
    auto records = out->second;
    for (auto next = out + 1; next != steps_.end() && records + next->second <= most; ++next) {
      records += next->second;
      out = next;
    }
    return out->first;
  }
  /// Records that are applied and not folded, or a few more: what was applied before the
  /// start is counted by its offsets.
  size_t waiting(int64_t folded_offset) {
    drop(folded_offset);
    return records_ + static_cast<size_t>(std::max<int64_t>(counted_from_ - folded_offset, 0));
  }

private:
  void drop(int64_t folded_offset) {
    while (!steps_.empty() && steps_.front().first <= folded_offset) {
      assert(records_ >= steps_.front().second);
      records_ -= steps_.front().second;
      steps_.pop_front();
    }
  }

  int64_t counted_from_ = 0;
  std::deque<std::pair<int64_t, size_t>> steps_; ///< Where each ends, and its records.
  size_t records_ = 0;                           ///< Of all steps.
};

} // namespace footfall::model
