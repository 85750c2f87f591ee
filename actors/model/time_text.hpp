#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace footfall::model {

/// A point in time as RFC 3339 writes it.
struct time_parts {
  int64_t at_us = 0;      ///< UTC microseconds since 1970 (nanoseconds cut off).
  int32_t nanos = 0;      ///< Of the second, as given.
  int32_t offset_min = 0; ///< Offset from UTC, as given.
  bool is_zero = false;   ///< 0001-01-01T00:00:00Z: Go's "no time".
};

/// Reads RFC 3339: real days, a zone, T and Z in either case, any number of decimals (cut
/// off after nine), and :60 where a leap second can be, which is taken for :59.
bool parse_rfc3339(std::string_view text, time_parts& out) noexcept;

/// Whether the second (since 1970, UTC) is the last but the leap second of a month: there
/// alone one may be put in.
bool may_precede_leap_second(int64_t seconds) noexcept;

/// Writes it as Go's time.RFC3339Nano does: no trailing zeros, Z for offset 0.
std::string go_time_text(const time_parts& x);

/// UTC with as many decimals as needed (0, 3 or 6): "2025-11-05T20:00:00Z".
std::string utc_text(int64_t at_us);

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar.
/// Source: Howard Hinnant, "chrono-compatible low-level date algorithms".
int64_t days_from_civil(int64_t year, unsigned month, unsigned day) noexcept;

} // namespace footfall::model
