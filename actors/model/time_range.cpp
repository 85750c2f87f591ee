#include "actors/model/time_range.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include "actors/model/query_rules.hpp"

namespace footfall::model {

namespace {

constexpr int64_t minute_us = step_us(series_step::minute);
constexpr std::string_view steps[] = {"minute", "hour", "day", "week", "month"};

/// A range with a name: where it begins and how it is cut.
struct named_range {
  std::string_view name;
  report_step step;
  int days;   ///< So many, today the last; 0: it is in months.
  int months; ///< So many, this one the last.
};

constexpr named_range named_ranges[] = {
    {"today", report_step::hour, 1, 0},  {"7d", report_step::day, 7, 0},
    {"30d", report_step::day, 30, 0},    {"month", report_step::day, 0, 1},
    {"12mo", report_step::month, 0, 12}, {"live", report_step::minute, 0, 0},
};

const named_range* find_range(std::string_view name) {
  for (const auto& x : named_ranges)
    if (x.name == name)
      return &x;
  return nullptr;
}

absl::Time time_of(int64_t us) {
  return absl::FromUnixMicros(us);
}

int64_t us_of(absl::CivilSecond x, absl::TimeZone zone) {
  return absl::ToUnixMicros(absl::FromCivil(x, zone));
}

/// Where the zone's file is, of which there has to be one: whoever asks for names of zones
/// that are none fills no memory with them.
std::filesystem::path zone_file(const std::string& name) {
  const char* folder = std::getenv("TZDIR");
  return std::filesystem::path(folder && *folder ? folder : "/usr/share/zoneinfo") / name;
}

bool is_zone_name(std::string_view name) {
  const auto is_of_name = [](unsigned char c) {
    return std::isalnum(c) || c == '/' || c == '_' || c == '-' || c == '+';
  };
  // Abseil keeps each name that it was asked for: one for a zone, not many spellings.
  return !name.empty() && name.size() <= 64 && name.front() != '/' && name.find("//") == name.npos
         && !name.starts_with("posix/") && !name.starts_with("right/")
         && std::all_of(name.begin(), name.end(), is_of_name);
}

refusal load_zone(const std::string& name, absl::TimeZone& out) {
  out = absl::UTCTimeZone();
  if (name.empty() || name == "UTC")
    return {};
  std::error_code failed;
  if (is_zone_name(name) && std::filesystem::is_regular_file(zone_file(name), failed)
      && absl::LoadTimeZone(name, &out))
    return {};
  return {"tz", "tz is no time zone that this machine knows; give an IANA name such as "
                "Europe/Berlin (its zone database is in the package tzdata)"};
}

absl::TimeZone zone_of(const time_range& x) {
  absl::TimeZone out;
  load_zone(x.zone, out);
  return out;
}

/// The begin of the step that `at_us` falls into.
int64_t step_begin(int64_t at_us, report_step step, absl::TimeZone zone) {
  const auto at = time_of(at_us);
  const auto day = absl::ToCivilDay(at, zone);
  switch (step) {
  case report_step::minute: return at_us - at_us % minute_us;
  case report_step::hour: {
    const auto past = zone.At(at).cs;
    return at_us - at_us % minute_us - past.minute() * minute_us;
  }
  case report_step::day: return us_of(day, zone);
  case report_step::week: {
    const auto after_monday = static_cast<int>(absl::GetWeekday(day));
    return us_of(day - after_monday, zone);
  }
  case report_step::month: return us_of(absl::ToCivilMonth(at, zone), zone);
  }
  return at_us;
}

/// The begin of the step after the one that begins at `begin_us`.
int64_t next_step(int64_t begin_us, report_step step, absl::TimeZone zone) {
  const auto day = absl::ToCivilDay(time_of(begin_us), zone);
  switch (step) {
  case report_step::minute: return begin_us + minute_us;
  case report_step::hour: {
    const auto next = step_begin(begin_us + 60 * minute_us, step, zone);
    return next > begin_us ? next : begin_us + 60 * minute_us;
  }
  case report_step::day: return us_of(day + 1, zone);
  case report_step::week: return us_of(day + 7, zone);
  case report_step::month: return us_of(absl::CivilMonth(day) + 1, zone);
  }
  return begin_us + minute_us;
}

/// False when the range has too many steps.
bool cut_steps(time_range& x, absl::TimeZone zone) {
  x.begins.clear();
  for (auto at = step_begin(x.from_us, x.step, zone); at < x.to_us;
       at = next_step(at, x.step, zone)) {
    if (x.begins.size() == limits::series_points)
      return false;
    x.begins.push_back(std::max(at, x.from_us));
  }
  return true;
}

refusal read_step(const std::string& text, report_step& out) {
  if (text.empty())
    return {};
  const auto found = std::find(std::begin(steps), std::end(steps), text);
  if (found == std::end(steps))
    return {"step", "step is unknown; give minute, hour, day, week or month"};
  out = static_cast<report_step>(found - std::begin(steps) + 1);
  return {};
}

refusal place_named(const range_ask& ask, int64_t now_us, absl::TimeZone zone, time_range& out) {
  const auto* named = find_range(ask.name);
  if (!named)
    return {"range", "range is unknown; give live, today, 7d, 30d, month or 12mo, or from and to"};
  if (ask.from_us != unset_time || ask.to_us != unset_time)
    return {"range", "range stands beside from or to; give one of the two"};
  const auto today = absl::ToCivilDay(time_of(now_us), zone);
  out.step = named->step;
  out.to_us = now_us - now_us % minute_us + minute_us;
  if (named->days > 0)
    out.from_us = us_of(today - (named->days - 1), zone);
  else if (named->months > 0)
    out.from_us = us_of(absl::CivilMonth(today) - (named->months - 1), zone);
  else
    out.from_us = out.to_us - 60 * minute_us;
  return {};
}

refusal place_given(const range_ask& ask, int64_t now_us, time_range& out) {
  constexpr int64_t hour_us = 60 * minute_us, day_us = 24 * hour_us;
  const auto is_outside = [](int64_t x) {
    return x != unset_time && (x < limits::first_at_us || x > limits::last_at_us);
  };
  if (is_outside(ask.from_us) || is_outside(ask.to_us))
    return {"from", "from or to is outside 2000-01-01 to 2100-01-01; give a time between"};
  if (ask.from_us == unset_time)
    return {"from", "from is missing; give it, or a range such as 7d"};
  out.from_us = ask.from_us - ask.from_us % minute_us;
  const auto end = ask.to_us == unset_time ? now_us : ask.to_us - 1;
  out.to_us = end - end % minute_us + minute_us;
  if (out.from_us >= out.to_us)
    return {"from", "from is not before to; give a range that is not empty"};
  const auto length = out.to_us - out.from_us;
  out.step = length <= 2 * hour_us    ? report_step::minute
             : length <= 2 * day_us   ? report_step::hour
             : length <= 100 * day_us ? report_step::day
                                      : report_step::month;
  return {};
}

/// The same time of an earlier month, on the last day of that where it has no such day.
absl::CivilSecond months_before(absl::CivilSecond x, int months, bool& has_day) {
  const auto month = absl::CivilMonth(x) - months;
  const auto last = absl::CivilDay(month + 1) - 1;
  has_day = x.day() <= last.day();
  return absl::CivilSecond(month.year(), month.month(), std::min(x.day(), last.day()), x.hour(),
                           x.minute());
}

} // namespace

const char* to_string(report_step x) noexcept {
  const auto place = static_cast<size_t>(x) - 1;
  return place < std::size(steps) ? steps[place].data() : "minute";
}

refusal cut_range(const range_ask& ask, int64_t now_us, time_range& out) {
  absl::TimeZone zone;
  out.name = ask.name;
  out.zone = ask.zone.empty() ? "UTC" : ask.zone;
  auto bad = load_zone(ask.zone, zone);
  if (!bad)
    bad = ask.name.empty() ? place_given(ask, now_us, out) : place_named(ask, now_us, zone, out);
  if (!bad)
    bad = read_step(ask.step, out.step);
  if (!bad && !cut_steps(out, zone))
    bad = {"step", "the range has more than " + std::to_string(limits::series_points)
                       + " steps; give a shorter range or a longer step"};
  if (!bad && (out.to_us - out.from_us) / step_us(finest_step(out)) > report_points)
    bad = {"from", "the range is too long to be counted by "
                       + std::string(finest_step(out) == series_step::minute ? "minutes" : "hours")
                       + ", as its borders need; give a shorter one, or one that begins with a "
                         "day of UTC"};
  return bad;
}

time_range range_before(const time_range& x, comparison by) {
  const auto zone = zone_of(x);
  const auto* named = find_range(x.name);
  auto out = x;
  // The border at the end belongs to the time before it, also where a clock is set back.
  const auto from = zone.At(time_of(x.from_us)).cs;
  const auto last = zone.At(time_of(x.to_us - minute_us)).cs;
  bool has_day = true;
  auto move = [&](absl::CivilSecond at) {
    if (by == comparison::year || named->months > 0)
      return months_before(at, by == comparison::year ? 12 : named->months, has_day);
    return at - named->days * 86'400;
  };
  if (by == comparison::previous && (!named || (named->days == 0 && named->months == 0))) {
    out.from_us -= x.to_us - x.from_us;
    out.to_us = x.from_us;
  } else {
    out.from_us = us_of(move(from), zone);
    const bool begins_alike = has_day;
    const auto end = move(last);
    // All of February is what a whole March is compared with.
    out.to_us = has_day || !begins_alike ? us_of(end, zone) + minute_us
                                         : us_of(absl::CivilDay(end) + 1, zone);
    out.to_us = std::max(out.to_us, out.from_us + minute_us);
  }
  // A month of 31 days is not compared with the first days of itself.
  if (by == comparison::previous)
    out.to_us = std::min(out.to_us, x.from_us);
  cut_steps(out, zone);
  return out;
}

series_step finest_step(const time_range& x) {
  for (auto step : {series_step::day, series_step::hour, series_step::quarter_hour}) {
    const auto length = step_us(step);
    if (std::all_of(x.begins.begin(), x.begins.end(),
                    [length](int64_t at) { return at % length == 0; }))
      return step;
  }
  return series_step::minute;
}

std::vector<uint64_t> sum_steps(const std::vector<series_point>& points, const time_range& x) {
  std::vector<uint64_t> out(x.begins.size());
  for (const auto& point : points) {
    const auto after = std::upper_bound(x.begins.begin(), x.begins.end(), point.at_us);
    if (after != x.begins.begin() && point.at_us < x.to_us)
      out[static_cast<size_t>(after - x.begins.begin()) - 1] += point.clicks;
  }
  return out;
}

} // namespace footfall::model
