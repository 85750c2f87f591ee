#include "app/import/log_time.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "actors/model/time_text.hpp"

namespace footfall::app {

namespace {

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct moment {
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  int64_t micros = 0;
  int64_t zone_s = 0;
};

/// Exactly `size` digits at `at`.
bool digits(std::string_view text, size_t at, size_t size, unsigned& out) {
  if (at + size > text.size())
    return false;
  out = 0;
  for (size_t i = at; i < at + size; ++i) {
    if (text[i] < '0' || text[i] > '9')
      return false;
    out = out * 10 + static_cast<unsigned>(text[i] - '0');
  }
  return true;
}

unsigned days_of(unsigned year, unsigned month) {
  constexpr std::array<unsigned, 12> all{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : all[month - 1];
}

bool to_us(const moment& x, int64_t& at_us) {
  if (x.month < 1 || x.month > 12 || x.day < 1 || x.day > days_of(x.year, x.month) || x.hour > 23
      || x.minute > 59 || x.second > 60)
    return false;
  // As the API has it, a leap second counts as the second before it: it stays in its day.
  const int64_t seconds = model::days_from_civil(x.year, x.month, x.day) * 86'400 + x.hour * 3'600
                          + x.minute * 60 + std::min(x.second, 59u) - x.zone_s;
  if (x.second == 60 && !model::may_precede_leap_second(seconds))
    return false;
  at_us = seconds * 1'000'000 + x.micros;
  return true;
}

/// "+0200" or "+02:00".
bool read_zone(std::string_view text, int64_t& out) {
  unsigned hours, minutes;
  const bool colon = text.size() == 6 && text[3] == ':';
  if ((text.size() != 5 && !colon) || (text[0] != '+' && text[0] != '-')
      || !digits(text, 1, 2, hours) || !digits(text, colon ? 4 : 3, 2, minutes) || hours > 23
      || minutes > 59)
    return false;
  out = (hours * 60 + minutes) * 60;
  if (text[0] == '-')
    out = -out;
  return true;
}

/// ".123" with any number of digits, cut to microseconds.
bool read_decimals(std::string_view text, int64_t& micros) {
  micros = 0;
  if (text.empty())
    return true;
  if (text.size() < 2 || text[0] != '.')
    return false;
  int64_t unit = 100'000;
  for (char c : text.substr(1)) {
    if (c < '0' || c > '9')
      return false;
    micros += (c - '0') * unit;
    unit /= 10;
  }
  return true;
}

bool read_date(std::string_view text, moment& out) {
  return text.size() == 10 && text[4] == '-' && text[7] == '-' && digits(text, 0, 4, out.year)
         && digits(text, 5, 2, out.month) && digits(text, 8, 2, out.day);
}

bool read_clock(std::string_view text, moment& out) {
  if (text.size() < 5 || text[2] != ':' || !digits(text, 0, 2, out.hour)
      || !digits(text, 3, 2, out.minute))
    return false;
  if (text.size() == 5)
    return true;
  return text.size() >= 8 && text[5] == ':' && digits(text, 6, 2, out.second)
         && read_decimals(text.substr(8), out.micros);
}

} // namespace

bool parse_log_time(std::string_view text, int64_t& at_us) {
  constexpr std::string_view form = "dd/mmm/yyyy:hh:mm:ss +hhmm";
  if (text.size() != form.size() || text[2] != '/' || text[6] != '/' || text[11] != ':'
      || text[14] != ':' || text[17] != ':' || text[20] != ' ')
    return false;
  moment x;
  const auto* month = std::find(months.begin(), months.end(), text.substr(3, 3));
  x.month = static_cast<unsigned>(month - months.begin()) + 1;
  return digits(text, 0, 2, x.day) && digits(text, 7, 4, x.year) && digits(text, 12, 2, x.hour)
         && digits(text, 15, 2, x.minute) && digits(text, 18, 2, x.second)
         && read_zone(text.substr(21), x.zone_s) && to_us(x, at_us);
}

bool parse_w3c_time(std::string_view date, std::string_view time, int64_t& at_us) {
  moment x;
  return read_date(date, x) && read_clock(time, x) && to_us(x, at_us);
}

bool parse_any_time(std::string_view text, int64_t& at_us) {
  model::time_parts parts;
  if (model::parse_rfc3339(text, parts)) {
    at_us = parts.at_us;
    return true;
  }
  if (parse_log_time(text, at_us))
    return true;
  const auto zone = text.find_last_of("+-");
  moment x;
  if (text.size() > 20 && (text[10] == 'T' || text[10] == ' ') && zone != std::string_view::npos
      && zone > 18)
    return read_date(text.substr(0, 10), x) && read_clock(text.substr(11, zone - 11), x)
           && read_zone(text.substr(zone), x.zone_s) && to_us(x, at_us);
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size()
         && parse_epoch(value, at_us);
}

bool parse_epoch(double value, int64_t& at_us) {
  if (!(value > 0) || value > 1e19)
    return false;
  double micros = value * 1e6;
  for (double limit : {1e11, 1e14, 1e17}) // Seconds, milliseconds, microseconds end there.
    if (value >= limit)
      micros /= 1e3;
  at_us = static_cast<int64_t>(std::llround(micros));
  return true;
}

} // namespace footfall::app
