#include "app/import_lines.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "actors/model/event_key.hpp"
#include "actors/model/time_text.hpp"
#include "actors/model/validate.hpp"
#include "app/log.hpp"

namespace footfall::app {

namespace {

/// A number of exactly `text.size()` digits.
bool read_digits(std::string_view text, unsigned& out) {
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return std::all_of(text.begin(), text.end(), digit)
         && std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc{};
}

unsigned month_of(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 12> names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return static_cast<unsigned>(std::find(names.begin(), names.end(), name) - names.begin()) + 1;
}

/// "17/May/2015:10:05:03 +0000"
bool parse_log_time(std::string_view text, int64_t& at_us) {
  constexpr std::string_view form = "dd/mmm/yyyy:hh:mm:ss +hhmm";
  if (text.size() != form.size() || text[2] != '/' || text[6] != '/' || text[11] != ':'
      || text[14] != ':' || text[17] != ':' || text[20] != ' '
      || (text[21] != '+' && text[21] != '-'))
    return false;
  unsigned day, year, hour, minute, second, zone_hour, zone_minute;
  const unsigned month = month_of(text.substr(3, 3));
  if (!read_digits(text.substr(0, 2), day) || !read_digits(text.substr(7, 4), year)
      || !read_digits(text.substr(12, 2), hour) || !read_digits(text.substr(15, 2), minute)
      || !read_digits(text.substr(18, 2), second) || !read_digits(text.substr(22, 2), zone_hour)
      || !read_digits(text.substr(24, 2), zone_minute))
    return false;
  // A log may hold a leap second.
  if (month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60 || zone_hour > 23
      || zone_minute > 59)
    return false;
  const int64_t zone_s = (zone_hour * 60 + zone_minute) * 60;
  const int64_t local_s =
      model::days_from_civil(year, month, day) * 86'400 + hour * 3'600 + minute * 60 + second;
  at_us = (local_s - (text[21] == '+' ? zone_s : -zone_s)) * 1'000'000;
  return true;
}

/// FNV-1a, 64 bits.
uint64_t hash(uint64_t seed, std::string_view text) noexcept {
  uint64_t h = seed;
  for (unsigned char c : text)
    h = (h ^ c) * 0x100000001b3;
  return h;
}

uint64_t mix(uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

} // namespace

import_format guess_format(std::string_view line) noexcept {
  const auto first = line.find_first_not_of(" \t");
  return first != std::string_view::npos && line[first] == '{' ? import_format::ndjson
                                                               : import_format::combined;
}

std::string parse_combined(std::string_view line, click_event& out) {
  const auto address_end = line.find(' ');
  if (address_end == 0 || address_end == std::string_view::npos)
    return "no client address at the start";
  const auto open = line.find('[', address_end);
  const auto close = open == std::string_view::npos ? open : line.find(']', open);
  if (close == std::string_view::npos)
    return "no time in brackets";
  if (!parse_log_time(line.substr(open + 1, close - open - 1), out.at_us))
    return "the time is not like [17/May/2015:10:05:03 +0000]";
  const auto quote = line.find('"', close);
  if (quote == std::string_view::npos)
    return "no quoted request";
  const auto method_end = line.find_first_of(" \"", quote + 1);
  if (method_end == std::string_view::npos || line[method_end] != ' ')
    return "no request target";
  const auto target = line.substr(method_end + 1);
  const auto target_end = std::min(target.find_first_of(" \""), target.size());
  if (target_end == 0)
    return "no request target";
  out.user_id = line.substr(0, address_end);
  out.page_url = target.substr(0, target_end);
  out.event_type = "click";
  return {};
}

std::string id_of_line(int64_t at_us, uint64_t line_number, std::string_view line) {
  const int64_t at_ms = std::max<int64_t>(at_us, 0) / 1000;
  const uint64_t high = mix(hash(0xcbf29ce484222325, line) ^ mix(line_number + 1));
  const uint64_t low = mix(hash(0x84222325cbf29ce4, line) + mix(line_number ^ 0x5bd1e995));
  return model::uuid7(at_ms, high, low);
}

std::string line_importer::read(uint64_t line_number, std::string_view line, click_event& out) {
  out = {};
  if (format_ == import_format::combined) {
    if (auto bad = parse_combined(line, out); !bad.empty())
      return bad;
  } else {
    auto parsed = parser_.parse_event(line);
    if (!parsed.reason.empty())
      return parsed.reason;
    out = std::move(parsed.event);
  }
  out.site_id = site_;
  if (out.event_id.empty())
    out.event_id = id_of_line(out.at_us, line_number, line);
  return model::validate(out).reason;
}

void append_ndjson(std::string& out, const click_event& event) {
  out += "{\"event_id\":" + json_text(event.event_id);
  out += ",\"user_id\":" + json_text(event.user_id);
  out += ",\"event_type\":" + json_text(event.event_type);
  out += ",\"page_url\":" + json_text(event.page_url);
  if (event.at_us != unset_time)
    out += ",\"time_stamp\":\"" + model::utc_text(event.at_us) + '"';
  out += "}\n";
}

} // namespace footfall::app
