#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/model/validate.hpp"
#include "proto/query.hpp"

namespace footfall::model {

/// The steps of a report. Days, weeks (from Monday) and months are those of its zone.
enum class report_step : uint8_t { minute = 1, hour, day, week, month };

const char* to_string(report_step x) noexcept;

/// What a report is compared with.
enum class comparison : uint8_t { none, previous, year };

/// Which time a report is about, as it is asked for.
struct range_ask {
  std::string name = {}; ///< live, today, 7d, 30d, month or 12mo; empty: from and to.
  std::string zone = {}; ///< IANA name; empty: UTC.
  int64_t from_us = unset_time;
  int64_t to_us = unset_time; ///< Unset: now.
  std::string step = {};      ///< Empty: the one that fits the range.
};

/// A time that is cut into steps in a zone. Times are whole minutes.
struct time_range {
  std::string name; ///< As asked; empty: from and to were given.
  std::string zone;
  report_step step = report_step::day;
  int64_t from_us = 0;
  int64_t to_us = 0;             ///< Exclusive. Of a range that still runs: after this minute.
  std::vector<int64_t> begins{}; ///< Of each step, in order; the first is from_us.
};

/// Cuts the range that is asked for. With a name it ends now: the days, weeks and months of it
/// that still run are cut there. Borders are found by Abseil's time zones, which read the
/// system's zone database; a day that a clock change makes shorter or longer is one day, and
/// has as many hours as it had. limits::series_points steps at most. Any thread; reads a file
/// the first time that a zone is asked for. A range whose series would have more than
/// report_points is refused.
refusal cut_range(const range_ask& ask, int64_t now_us, time_range& out);

/// The range before `x` that it is compared with: as long as it, and cut at the same point of
/// its last day (today until 14:05: yesterday until 14:05); or the same dates a year before.
/// A day that a month lacks is the last one that it has.
time_range range_before(const time_range& x, comparison by);

/// The longest step of a series whose points never reach over a border of the range.
series_step finest_step(const time_range& x);

/// Points that a report may be made of: a year of quarters of an hour, and more than that of
/// whole hours; of single minutes ten weeks.
inline constexpr int64_t report_points = 100'000;

/// Sums the points of a series of the range into its steps, one number for each.
std::vector<uint64_t> sum_steps(const std::vector<series_point>& points, const time_range& x);

} // namespace footfall::model
