#include "actors/ports/metrics.hpp"

#include <algorithm>

namespace footfall {

void duration_histogram::observe(int64_t us, uint64_t times) noexcept {
  us = std::max<int64_t>(us, 0);
  size_t i = 0;
  while (i + 1 < buckets && us > bound_us(i))
    ++i;
  add(counts_[i], times);
  add(sum_us_, static_cast<uint64_t>(us) * times);
}

} // namespace footfall
