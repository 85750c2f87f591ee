#pragma once

#include <cstdint>
#include <limits>

#include "proto/event.hpp"

namespace footfall::sqlite {

inline constexpr int64_t minute_us = 60'000'000;
inline constexpr int64_t no_first_minute = std::numeric_limits<int32_t>::min();
inline constexpr int64_t no_end_minute = std::numeric_limits<int32_t>::max();

/// The first minute that begins at or after a time.
constexpr int64_t minute_from(int64_t at_us, int64_t unset) noexcept {
  if (at_us == unset_time)
    return unset;
  const int64_t minute = at_us / minute_us;
  return minute + (at_us % minute_us > 0 ? 1 : 0);
}

} // namespace footfall::sqlite
