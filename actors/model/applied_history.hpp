#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "proto/applied.hpp"

namespace footfall::model {

/// Which of the last records that a partition applied were new. Bounded: 32 KiB once
/// something was applied. One thread at a time.
class applied_history {
public:
  static constexpr int64_t kept = 1 << 18; ///< Positions.

  /// Records follow from `next_offset` on. What is before is forgotten, unless it is just
  /// what is known.
  void start(int64_t next_offset);

  /// Records up to `next_offset` are applied; `fresh` are the offsets of those that were
  /// new, in any order.
  void add(int64_t next_offset, const std::vector<int64_t>& fresh);

  /// What became of the records from `first` to `last`.
  applied_counts count(int64_t first, int64_t last) const;

private:
  static size_t bit(int64_t offset) noexcept { return static_cast<size_t>(offset % kept); }

  std::vector<bool> fresh_;
  int64_t begin_ = 0; ///< Known are the offsets from here
  int64_t end_ = 0;   ///< to here, exclusive.
};

} // namespace footfall::model
