#pragma once

#include <cstdint>
#include <string_view>

namespace footfall::app {

/// "17/May/2015:10:05:03 +0000", as web servers write it; the zone counts. Days that no
/// calendar has are refused, not moved. Second 60, in all forms, only where a leap second
/// can be, and it is taken for 59.
bool parse_log_time(std::string_view text, int64_t& at_us);

/// "2012-04-01" and "00:00:13", perhaps "00:00" or with decimals: UTC.
bool parse_w3c_time(std::string_view date, std::string_view time, int64_t& at_us);

/// What stands in JSON logs: RFC 3339, the same with a zone like +0200, the form above,
/// or seconds, milli-, micro- or nanoseconds since 1970 as decimal digits.
bool parse_any_time(std::string_view text, int64_t& at_us);

/// Seconds since 1970; beyond what seconds can be in this century: milli-, micro-,
/// nanoseconds.
bool parse_epoch(double value, int64_t& at_us);

} // namespace footfall::app
