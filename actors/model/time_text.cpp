#include "actors/model/time_text.hpp"

#include <algorithm>
#include <array>

namespace footfall::model {

namespace {

constexpr int64_t seconds_of_day = 86'400;
constexpr int64_t zero_seconds = -62'135'596'800; ///< 0001-01-01T00:00:00Z

/// Reads `digits` decimal digits at `at`, or returns -1.
int digits_at(std::string_view text, size_t at, size_t digits) noexcept {
  int value = 0;
  for (size_t i = at; i < at + digits; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9')
      return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

bool is_leap(int year) noexcept {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in(int year, int month) noexcept {
  constexpr std::array<int, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : days[static_cast<size_t>(month - 1)];
}

/// Reads ".123" at `at`, if there is one, and moves `at` behind it. What is finer than a
/// nanosecond is cut off.
bool parse_fraction(std::string_view text, size_t& at, int32_t& nanos) noexcept {
  nanos = 0;
  if (at >= text.size() || text[at] != '.')
    return true;
  size_t count = 0;
  for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++count) {
    if (count < 9)
      nanos = nanos * 10 + (text[at] - '0');
  }
  if (count == 0)
    return false;
  for (; count < 9; ++count)
    nanos *= 10;
  return true;
}

/// Reads "Z" or "+05:30", which must be all that is left.
bool parse_zone(std::string_view text, size_t at, int32_t& offset_min) noexcept {
  offset_min = 0;
  if (at >= text.size())
    return false;
  if (text[at] == 'Z' || text[at] == 'z')
    return at + 1 == text.size();
  if ((text[at] != '+' && text[at] != '-') || text.size() != at + 6 || text[at + 3] != ':')
    return false;
  const int hours = digits_at(text, at + 1, 2);
  const int minutes = digits_at(text, at + 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
    return false;
  offset_min = hours * 60 + minutes;
  if (text[at] == '-')
    offset_min = -offset_min;
  return true;
}

void put(std::string& out, int64_t value, int digits) {
  char text[20];
  for (int i = digits - 1; i >= 0; --i) {
    text[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(text, static_cast<size_t>(digits));
}

int64_t floor_div(int64_t a, int64_t b) noexcept {
  return a / b - (a % b < 0 ? 1 : 0);
}

struct date {
  int64_t year, month, day;
};

/// The date of a day since 1970, as Howard Hinnant's civil_from_days finds it.
date date_of(int64_t days) noexcept {
  const int64_t shifted = days + 719'468;
  const int64_t era = floor_div(shifted, 146'097);
  const int64_t day_of_era = shifted - era * 146'097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_from_march = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

/// "2025-11-05T20:00:00" of seconds since 1970.
void put_seconds(std::string& out, int64_t seconds) {
  const int64_t days = floor_div(seconds, seconds_of_day);
  const int64_t of_day = seconds - days * seconds_of_day;
  const auto at = date_of(days);
  put(out, at.year, 4);
  out += '-';
  put(out, at.month, 2);
  out += '-';
  put(out, at.day, 2);
  out += 'T';
  put(out, of_day / 3600, 2);
  out += ':';
  put(out, of_day / 60 % 60, 2);
  out += ':';
  put(out, of_day % 60, 2);
}

} // namespace

int64_t days_from_civil(int64_t year, unsigned month, unsigned day) noexcept {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = floor_div(year, 400);
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<int64_t>(day_of_era) - 719'468;
}

bool may_precede_leap_second(int64_t seconds) noexcept {
  return (seconds + 1) % seconds_of_day == 0 && date_of((seconds + 1) / seconds_of_day).day == 1;
}

bool parse_rfc3339(std::string_view text, time_parts& out) noexcept {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't')
      || text[13] != ':' || text[16] != ':')
    return false;
  const int year = digits_at(text, 0, 4);
  const int month = digits_at(text, 5, 2);
  const int day = digits_at(text, 8, 2);
  const int hour = digits_at(text, 11, 2);
  const int minute = digits_at(text, 14, 2);
  const int second = digits_at(text, 17, 2);
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > days_in(year, month) || hour < 0
      || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
    return false;
  size_t at = 19;
  if (!parse_fraction(text, at, out.nanos) || !parse_zone(text, at, out.offset_min))
    return false;
  const int64_t days =
      days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
  // A leap second counts as the second before it: so it stays in its minute and day.
  const int64_t seconds = days * seconds_of_day + hour * 3600 + minute * 60 + std::min(second, 59)
                          - int64_t{out.offset_min} * 60;
  if (second == 60 && !may_precede_leap_second(seconds))
    return false;
  out.at_us = seconds * 1'000'000 + out.nanos / 1000;
  out.is_zero = seconds == zero_seconds && out.nanos == 0;
  return true;
}

std::string go_time_text(const time_parts& x) {
  std::string out;
  out.reserve(35);
  put_seconds(out, floor_div(x.at_us, 1'000'000) + int64_t{x.offset_min} * 60);
  if (x.nanos != 0) {
    out += '.';
    put(out, x.nanos, 9);
    while (out.back() == '0')
      out.pop_back();
  }
  if (x.offset_min == 0) {
    out += 'Z';
    return out;
  }
  const int32_t minutes = x.offset_min < 0 ? -x.offset_min : x.offset_min;
  out += x.offset_min < 0 ? '-' : '+';
  put(out, minutes / 60, 2);
  out += ':';
  put(out, minutes % 60, 2);
  return out;
}

std::string utc_text(int64_t at_us) {
  std::string out;
  out.reserve(27);
  const int64_t seconds = floor_div(at_us, 1'000'000);
  const int64_t micros = at_us - seconds * 1'000'000;
  put_seconds(out, seconds);
  if (micros != 0) {
    out += '.';
    if (micros % 1000 == 0)
      put(out, micros / 1000, 3);
    else
      put(out, micros, 6);
  }
  out += 'Z';
  return out;
}

} // namespace footfall::model
