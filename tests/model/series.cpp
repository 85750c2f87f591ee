#include "actors/model/series.hpp"
#include "actors/model/query_rules.hpp"

#include <map>
#include <random>

#include <catch2/catch.hpp>

using namespace footfall;

namespace {

constexpr int64_t minute = 60'000'000;
constexpr int64_t hour = 60 * minute;
constexpr int64_t day = 24 * hour;
constexpr int64_t start = 20'000 * day;

} // namespace

TEST_CASE("a series has each step of its range, those without clicks too", "[model][series]") {
  const std::vector<series_point> minutes = {
      {start, 2}, {start + 59 * minute, 3}, {start + 2 * hour, 5}};
  auto out = model::fill_series(minutes, series_step::hour, start, start + 3 * hour);
  REQUIRE(out.size() == 3);
  CHECK(out[0].at_us == start);
  CHECK(out[0].clicks == 5);
  CHECK(out[1].clicks == 0);
  CHECK(out[2].at_us == start + 2 * hour);
  CHECK(out[2].clicks == 5);
  out = model::fill_series(minutes, series_step::day, start, start + 1);
  REQUIRE(out.size() == 1);
  CHECK(out[0].clicks == 10);
}

TEST_CASE("a series begins with the step that its range begins in", "[model][series]") {
  const auto from = start + hour / 2;
  const auto out = model::fill_series({{from, 7}}, series_step::hour, from, from + hour);
  REQUIRE(out.size() == 2);
  CHECK(out[0].at_us == start);
  CHECK(out[0].clicks == 7);
  CHECK(model::fill_series({}, series_step::minute, start, start).empty());
}

TEST_CASE("minutes outside of the range count in no step", "[model][series]") {
  const std::vector<series_point> minutes = {
      {start - minute, 1}, {start - day, 1}, {start + hour, 1}, {start + day, 1}};
  for (const auto& x : model::fill_series(minutes, series_step::minute, start, start + hour))
    CHECK(x.clicks == 0);
}

TEST_CASE("a step has the sum of its minutes", "[model][series]") {
  const auto seed = Catch::rngSeed();
  CAPTURE(seed);
  std::mt19937_64 random{seed};
  for (const auto step : {series_step::minute, series_step::hour, series_step::day}) {
    const auto length = model::step_us(step);
    const auto from = start + static_cast<int64_t>(random() % static_cast<uint64_t>(day));
    const auto to = from + static_cast<int64_t>(random() % static_cast<uint64_t>(100 * length));
    std::vector<series_point> minutes;
    std::map<int64_t, uint64_t> sums;
    const auto first = from / length * length;
    for (auto at = first; at < to; at += length)
      sums[at] = 0;
    for (int i = 0; i < 2'000; ++i) {
      const auto at =
          (from - length) / minute * minute
          + static_cast<int64_t>(random() % static_cast<uint64_t>(103 * length / minute)) * minute;
      minutes.push_back({at, random() % 9});
      if (auto sum = sums.find(at / length * length); sum != sums.end())
        sum->second += minutes.back().clicks;
    }
    const auto out = model::fill_series(minutes, step, from, to);
    REQUIRE(out.size() == sums.size());
    auto sum = sums.begin();
    for (const auto& x : out) {
      REQUIRE(x.at_us == sum->first);
      REQUIRE(x.clicks == sum->second);
      ++sum;
    }
  }
}
