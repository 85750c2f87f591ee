#include "actors/model/time_range.hpp"

#include <numeric>
#include <random>

#include <catch2/catch.hpp>

#include "actors/model/query_rules.hpp"
#include "actors/model/time_text.hpp"

using namespace footfall;
using namespace footfall::model;

namespace {

constexpr int64_t minute = 60'000'000;
constexpr int64_t hour = 60 * minute;

int64_t at(std::string_view text) {
  time_parts parts;
  REQUIRE(parse_rfc3339(text, parts));
  return parts.at_us;
}

time_range cut(const range_ask& ask, std::string_view now) {
  time_range out;
  const auto bad = cut_range(ask, at(now), out);
  INFO(bad.reason);
  REQUIRE(!bad);
  return out;
}

std::string refused(const range_ask& ask) {
  time_range out;
  return cut_range(ask, at("2026-03-10T12:00:00Z"), out).field;
}

std::string span(const time_range& x) {
  return utc_text(x.from_us) + ' ' + utc_text(x.to_us);
}

/// One click in each minute of the range, as a series with `step` has them.
std::vector<series_point> clicks_each_minute(const time_range& x) {
  const auto length = step_us(finest_step(x));
  std::vector<series_point> out;
  for (auto now = x.from_us; now < x.to_us; now += minute) {
    const auto begin = now - now % length;
    if (out.empty() || out.back().at_us != begin)
      out.push_back({begin, 0});
    ++out.back().clicks;
  }
  return out;
}

} // namespace

TEST_CASE("named ranges begin with days of their zone and end now", "[model][range]") {
  const std::string_view now = "2026-03-10T02:05:30Z";
  CHECK(span(cut({"today", "UTC"}, now)) == "2026-03-10T00:00:00Z 2026-03-10T02:06:00Z");
  // In St. John's it is still the day before, and clocks have been set forward.
  CHECK(span(cut({"today", "America/St_Johns"}, now))
        == "2026-03-09T02:30:00Z 2026-03-10T02:06:00Z");
  CHECK(span(cut({"7d", "Asia/Kathmandu"}, now)) == "2026-03-03T18:15:00Z 2026-03-10T02:06:00Z");
  CHECK(span(cut({"30d", ""}, now)) == "2026-02-09T00:00:00Z 2026-03-10T02:06:00Z");
  CHECK(span(cut({"month", "Europe/Berlin"}, now)) == "2026-02-28T23:00:00Z 2026-03-10T02:06:00Z");
  CHECK(span(cut({"12mo", "Europe/Berlin"}, now)) == "2025-03-31T22:00:00Z 2026-03-10T02:06:00Z");
  CHECK(span(cut({"live", "Europe/Berlin"}, now)) == "2026-03-10T01:06:00Z 2026-03-10T02:06:00Z");
  CHECK(cut({"live", ""}, now).begins.size() == 60);
  CHECK(cut({"12mo", "Europe/Berlin"}, now).begins.size() == 12);
}

TEST_CASE("a day of a clock change is one day of 23 or 25 hours", "[model][range]") {
  auto day = cut({"today", "Europe/Berlin"}, "2026-03-29T21:30:00Z");
  CHECK(span(day) == "2026-03-28T23:00:00Z 2026-03-29T21:31:00Z");
  CHECK(day.begins.size() == 23);
  day = cut({"today", "Europe/Berlin"}, "2026-10-25T22:30:00Z");
  CHECK(day.begins.size() == 25);
  const auto week = cut({"7d", "Europe/Berlin"}, "2026-10-27T12:00:00Z");
  REQUIRE(week.begins.size() == 7);
  CHECK(week.begins[5] - week.begins[4] == 25 * hour);
  // Lord Howe sets its clocks back by half an hour.
  day = cut({"today", "Australia/Lord_Howe"}, "2026-04-05T13:00:00Z");
  CHECK(day.begins.back() - day.begins.front() <= 24 * hour);
  CHECK(std::is_sorted(day.begins.begin(), day.begins.end()));
}

TEST_CASE("the time before is as long, and is cut at the same point", "[model][range]") {
  auto before = [](const char* name, const char* zone, std::string_view now, comparison by) {
    return span(range_before(cut({name, zone}, now), by));
  };
  const auto previous = comparison::previous, year = comparison::year;
  CHECK(before("today", "UTC", "2026-03-10T14:05:10Z", previous)
        == "2026-03-09T00:00:00Z 2026-03-09T14:06:00Z");
  // 14:05 on the wall both days, which are not equally long.
  CHECK(before("today", "Europe/Berlin", "2026-03-29T12:05:10Z", previous)
        == "2026-03-27T23:00:00Z 2026-03-28T13:06:00Z");
  CHECK(before("7d", "UTC", "2026-03-10T14:05:10Z", previous)
        == "2026-02-25T00:00:00Z 2026-03-03T14:06:00Z");
  CHECK(before("month", "UTC", "2026-03-10T14:05:10Z", previous)
        == "2026-02-01T00:00:00Z 2026-02-10T14:06:00Z");
  // February has no 31st: all of it.
  CHECK(before("month", "UTC", "2026-03-31T14:05:10Z", previous)
        == "2026-02-01T00:00:00Z 2026-03-01T00:00:00Z");
  CHECK(before("12mo", "UTC", "2026-03-10T14:05:10Z", previous)
        == "2024-04-01T00:00:00Z 2025-03-10T14:06:00Z");
  CHECK(before("30d", "UTC", "2024-02-29T14:05:10Z", year)
        == "2023-01-31T00:00:00Z 2023-03-01T00:00:00Z");
  CHECK(before("live", "UTC", "2026-03-10T14:05:10Z", previous)
        == "2026-03-10T12:06:00Z 2026-03-10T13:06:00Z");
  CHECK(before("today", "UTC", "2024-02-29T14:05:10Z", year)
        == "2023-02-28T00:00:00Z 2023-02-28T14:06:00Z");
  CHECK(before("month", "UTC", "2024-02-29T14:05:10Z", year)
        == "2023-02-01T00:00:00Z 2023-03-01T00:00:00Z");
  range_ask given{"", "UTC", at("2026-03-01T00:00:00Z"), at("2026-03-03T00:00:00Z"), ""};
  CHECK(span(range_before(cut(given, "2026-03-10T00:00:00Z"), previous))
        == "2026-02-27T00:00:00Z 2026-03-01T00:00:00Z");
}

TEST_CASE("weeks begin on Monday, and the first step with the range", "[model][range]") {
  range_ask ask{"", "Europe/Berlin", at("2026-03-05T10:00:00Z"), at("2026-03-20T10:00:00Z"),
                "week"};
  const auto x = cut(ask, "2026-04-01T00:00:00Z");
  REQUIRE(x.begins.size() == 3);
  CHECK(utc_text(x.begins[0]) == "2026-03-05T10:00:00Z");
  CHECK(utc_text(x.begins[1]) == "2026-03-08T23:00:00Z");
  CHECK(utc_text(x.begins[2]) == "2026-03-15T23:00:00Z");
}

TEST_CASE("each click of a range is in one of its steps, in every zone", "[model][range]") {
  const char* zones[] = {"UTC",          "Europe/Berlin",       "Asia/Kathmandu",
                         "Asia/Kolkata", "America/St_Johns",    "Pacific/Chatham",
                         "Asia/Tehran",  "Australia/Lord_Howe", "America/Sao_Paulo",
                         "Africa/Cairo", "Pacific/Apia",        "America/Los_Angeles"};
  std::mt19937 random{7};
  std::uniform_int_distribution<int64_t> day(0, 9'000);
  for (int i = 0; i < 60; ++i)
    for (const auto* zone : zones)
      for (const auto* name : {"live", "today", "7d", "month"}) {
        const auto now = at("2001-01-01T00:00:00Z") + day(random) * 24 * hour
                         + static_cast<int64_t>(random() % 1440) * minute + 1;
        time_range x;
        REQUIRE(!cut_range({name, zone}, now, x));
        for (const auto& range :
             {x, range_before(x, comparison::previous), range_before(x, comparison::year)}) {
          INFO(zone << ' ' << name << ' ' << span(range));
          REQUIRE(range.from_us < range.to_us);
          REQUIRE(range.begins.front() == range.from_us);
          REQUIRE(std::is_sorted(range.begins.begin(), range.begins.end()));
          const auto sums = sum_steps(clicks_each_minute(range), range);
          const auto all = std::accumulate(sums.begin(), sums.end(), uint64_t{0});
          REQUIRE(all == static_cast<uint64_t>((range.to_us - range.from_us) / minute));
          for (size_t at = 0; at < sums.size(); ++at) {
            const auto end = at + 1 < sums.size() ? range.begins[at + 1] : range.to_us;
            REQUIRE(sums[at] == static_cast<uint64_t>((end - range.begins[at]) / minute));
          }
        }
      }
}

TEST_CASE("a range that is none is refused by the name of its parameter", "[model][range]") {
  CHECK(refused({"14d", ""}) == "range");
  CHECK(refused({"", ""}) == "from");
  CHECK(refused({"7d", "Europe/Nowhere"}) == "tz");
  CHECK(refused({"7d", "../../../etc/passwd"}) == "tz");
  CHECK(refused({"7d", "/usr/share/zoneinfo/UTC"}) == "tz");
  CHECK(refused({"7d", "localtime:x"}) == "tz");
  CHECK(refused({"7d", "Europe"}) == "tz");
  CHECK(refused({"7d", "Europe//Berlin"}) == "tz");
  CHECK(refused({"7d", "posix/Europe/Berlin"}) == "tz");
  CHECK(refused({"", "", at("2000-01-01T00:01:00Z"), at("2100-01-01T00:00:00Z")}) == "from");
  CHECK(refused({"", "Asia/Kathmandu", at("2000-01-01T00:00:00Z"), at("2010-01-01T00:00:00Z")})
        == "from");
  CHECK(refused({"", "", at("2000-01-01T00:00:00Z"), at("2100-01-01T00:00:00Z")}) == "");
  CHECK(refused({"12mo", "Asia/Kathmandu"}) == "");
  CHECK(refused({"7d", "", unset_time, unset_time, "year"}) == "step");
  CHECK(refused({"12mo", "", unset_time, unset_time, "minute"}) == "step");
  CHECK(refused({"7d", "", at("2026-03-01T00:00:00Z")}) == "range");
  CHECK(refused({"", "", at("2026-03-11T00:00:00Z")}) == "from");
  CHECK(refused({"", "", at("2026-03-01T00:00:00Z"), at("2026-03-01T00:00:00Z")}) == "from");
  CHECK(refused({"", "", limits::first_at_us - 1}) == "from");
}
