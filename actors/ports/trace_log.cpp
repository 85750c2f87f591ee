#include "actors/ports/trace_log.hpp"

#include <algorithm>
#include <cstdio>

namespace footfall {

std::string milliseconds_text(int64_t us) {
  char out[32];
  std::snprintf(out, sizeof out, "%.1f ms", static_cast<double>(us) / 1000);
  return out;
}

bool trace_log::has_room(std::atomic<int64_t>& until_us) {
  constexpr int64_t each_us = 1'000'000 / lines_a_second;
  const auto now = steady_();
  auto before = until_us.load(std::memory_order_relaxed);
  for (;;) {
    const auto from = std::max(before, now);
    if (from - now > (burst - 1) * each_us) {
      add(left_out_);
      return false;
    }
    if (until_us.compare_exchange_weak(before, from + each_us, std::memory_order_relaxed))
      return true;
  }
}

} // namespace footfall
