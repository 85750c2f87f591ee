#include <catch2/catch.hpp>

#include <map>
#include <random>

#include "actors/model/page_state.hpp"
#include "actors/model/recent.hpp"
#include "tests/support/seed.hpp"

using namespace footfall;
using model::page_state;

namespace {

constexpr int64_t minute_us = 60'000'000;
constexpr int64_t now_us = 29'000'000 * minute_us;

page_delta delta_of(int64_t next_offset, std::vector<page_delta::click> clicks) {
  page_delta out;
  out.page_no = 1;
  out.next_offset = next_offset;
  out.clicks = std::move(clicks);
  return out;
}

std::map<int32_t, uint64_t> by_type(const page_state& x) {
  std::map<int32_t, uint64_t> out;
  for (const auto& row : x.by_type())
    out[row.number] = row.clicks;
  return out;
}

/// What a store would load: all of the rows, the first types and minutes.
page_load load_of(const std::vector<page_delta::click>& rows) {
  page_load out;
  std::map<int32_t, uint64_t> types;
  std::map<int32_t, uint32_t> minutes;
  out.page_no = 1;
  for (const auto& x : rows) {
    ++out.clicks;
    ++types[x.type_no];
    if (x.at_us >= now_us - 60 * minute_us)
      ++minutes[model::minute_of(x.at_us)];
  }
  out.keep_first(types, minutes);
  return out;
}

} // namespace

TEST_CASE("a page names the types with the lowest numbers and counts the rest",
          "[model][page_state]") {
  const auto seed = test::new_seed();
  INFO(test::repeated_by(seed));
  std::mt19937 random{seed};
  page_state live;
  live.load({}, {});
  std::vector<page_delta::click> rows;
  for (int64_t i = 1; i <= 200; ++i) {
    std::vector<page_delta::click> clicks;
    for (int k = 0; k < 50; ++k)
      clicks.push_back({1, static_cast<int32_t>(1 + random() % 3'000), now_us});
    rows.insert(rows.end(), clicks.begin(), clicks.end());
    live.apply(delta_of(i, clicks), now_us);
    if (i % 20 != 0)
      continue;
    // One that loads now knows the same.
    page_state loaded;
    loaded.load(load_of(rows), {});
    REQUIRE(by_type(live) == by_type(loaded));
    REQUIRE(live.clicks() == loaded.clicks());
  }
  REQUIRE(live.by_type().size() == limits::named_types);
  CHECK(live.clicks() == rows.size());
  std::map<int32_t, uint64_t> all;
  for (const auto& x : rows)
    ++all[x.type_no];
  all.erase(std::next(all.begin(), limits::named_types), all.end());
  CHECK(by_type(live) == all);
}

TEST_CASE("a type that is older than all of a page is named, in the place of the newest",
          "[model][page_state]") {
  page_state x;
  x.load({}, {});
  std::vector<page_delta::click> clicks;
  for (int32_t type = 10; type < 2'010; ++type)
    clicks.push_back({1, type, now_us});
  x.apply(delta_of(1, clicks), now_us);
  CHECK(x.by_type().back().number == 1'009);
  x.apply(delta_of(2, {{1, 3, now_us}}), now_us);
  CHECK(x.by_type().front().number == 3);
  CHECK(x.by_type().back().number == 1'008);
  x.apply(delta_of(3, {{1, 1'009, now_us}}), now_us);
  CHECK(x.by_type().back().number == 1'008);
  CHECK(x.by_type().size() == limits::named_types);
  CHECK(x.clicks() == 2'002);
}

TEST_CASE("a click costs the same however many types there are", "[model][page_state]") {
  page_state x;
  x.load({}, {});
  int64_t offset = 0;
  int32_t type = 0;
  const auto round = [&] {
    std::vector<page_delta::click> clicks;
    for (int i = 0; i < 1'000; ++i)
      clicks.push_back({1, ++type, now_us});
    x.apply(delta_of(++offset, clicks), now_us);
  };
  for (int i = 0; i < 1'000; ++i) // A million: quadratic, it would take an hour.
    round();
  CHECK(x.clicks() == 1'000'000);
  CHECK(x.by_type().size() == limits::named_types);
}

TEST_CASE("minutes that were dated too far ahead are known to be missing", "[model][page_state]") {
  page_state x;
  x.load({}, {});
  const auto first = model::minute_of(now_us);
  std::vector<page_delta::click> clicks;
  for (int32_t i = 0; i < 5'000; ++i)
    clicks.push_back({1, 1, (first + i) * minute_us});
  x.apply(delta_of(1, clicks), now_us);
  CHECK(x.clicks() == 5'000);
  CHECK(x.last_hour(now_us).back() == 1);
  CHECK(x.hour_known(now_us));
  CHECK(x.hour_known(now_us + 4'095 * minute_us));
  CHECK_FALSE(x.hour_known(now_us + 4'096 * minute_us));
  // A later click of such a minute does not make it known by halves.
  x.apply(delta_of(2, {{1, 1, (first + 4'500) * minute_us}}), now_us + 4'000 * minute_us);
  CHECK(x.last_hour(now_us + 4'500 * minute_us).back() == 0);
  CHECK_FALSE(x.hour_known(now_us + 4'500 * minute_us));
}

TEST_CASE("without details only the store knows users and types", "[model][page_state]") {
  page_state x;
  x.load({}, {});
  x.apply(delta_of(1, {{1, 1, now_us}}), now_us);
  CHECK(x.detailed());
  x.forget_details();
  x.apply(delta_of(2, {{2, 2, now_us}}), now_us);
  CHECK_FALSE(x.detailed());
  CHECK(x.by_type().empty());
  CHECK(x.users() == 0);
  CHECK(x.clicks() == 2);
}

TEST_CASE("what came up lately is remembered, and no more than that", "[model][recent]") {
  model::recent x{100};
  CHECK_FALSE(x.note(7));
  CHECK(x.note(7));
  for (uint64_t i = 1'000; i < 1'099; ++i)
    CHECK_FALSE(x.note(i));
  CHECK(x.note(7));
  for (uint64_t i = 2'000; i < 2'100; ++i)
    CHECK_FALSE(x.note(i));
  for (uint64_t i = 3'000; i < 3'100; ++i)
    CHECK_FALSE(x.note(i));
  CHECK_FALSE(x.note(1'050));
}
