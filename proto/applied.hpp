#pragma once

#include <cstdint>

namespace footfall {

/// Positions of one partition, from `first` to `last`.
struct position_range {
  uint32_t partition = 0;
  int64_t first = 0;
  int64_t last = 0;
};

/// What became of the events at some positions when they were applied.
struct applied_counts {
  uint64_t fresh = 0;
  uint64_t duplicates = 0; ///< The event was there before, or the record was none.
  uint64_t waiting = 0;    ///< Not applied yet.
  uint64_t forgotten = 0;  ///< Applied too long ago, or by another process.
};

/// What is said of positions of which nothing is known here.
inline applied_counts all_forgotten(const position_range& x) {
  return {0, 0, 0, static_cast<uint64_t>(x.last - x.first + 1)};
}

} // namespace footfall
