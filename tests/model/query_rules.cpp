#include <catch2/catch.hpp>

#include "actors/model/query_rules.hpp"

using namespace footfall;
using namespace footfall::model;

namespace {

constexpr int64_t minute = 60'000'000;
constexpr int64_t hour = 60 * minute;
constexpr int64_t day = 24 * hour;
/// 2025-11-05T20:30:15.5Z
constexpr int64_t now_us = 1'762'374'615'500'000;

query_ask ask_of(query_kind kind) {
  query_ask ask;
  ask.kind = kind;
  ask.page_url = "/pricing";
  ask.user_id = "ada";
  return ask;
}

std::string field_refused(query_ask ask) {
  return check_query(ask, now_us).field;
}

} // namespace

TEST_CASE("an empty site is the default site", "[model][query_rules]") {
  auto ask = ask_of(query_kind::page);
  REQUIRE_FALSE(check_query(ask, now_us));
  CHECK(ask.site_id == "default");
}

TEST_CASE("a query is refused by the field that is wrong", "[model][query_rules]") {
  for (auto kind : {query_kind::count, query_kind::page, query_kind::top_pages, query_kind::series,
                    query_kind::users}) {
    auto ask = ask_of(kind);
    CHECK(field_refused(ask).empty());
    ask.site_id = "no spaces";
    CHECK(field_refused(ask) == "site_id");
  }
  auto count = ask_of(query_kind::count);
  count.user_id.clear();
  CHECK(field_refused(count) == "user_id");
  for (auto kind : {query_kind::count, query_kind::page, query_kind::users}) {
    auto ask = ask_of(kind);
    ask.page_url.clear();
    CHECK(field_refused(ask) == "page_url");
  }
  auto series = ask_of(query_kind::series);
  series.page_url = std::string("/a\0b", 4);
  CHECK(field_refused(series) == "page_url");
  series.page_url.clear();
  CHECK(field_refused(series).empty());
  series.step = static_cast<series_step>(9);
  CHECK(field_refused(series) == "step");
}

TEST_CASE("limits are 1 to 1,000", "[model][query_rules]") {
  for (auto kind : {query_kind::top_pages, query_kind::users}) {
    auto ask = ask_of(kind);
    for (auto [limit, fine] : {std::pair{0u, false}, {1u, true}, {1000u, true}, {1001u, false}}) {
      ask.limit = limit;
      CHECK(field_refused(ask).empty() == fine);
    }
  }
}

TEST_CASE("a series without a range ends with the running step", "[model][query_rules]") {
  struct row {
    series_step step;
    int64_t length;
    int64_t points;
  };
  for (auto [step, length, points] :
       {row{series_step::minute, minute, 60}, row{series_step::hour, hour, 24},
        row{series_step::day, day, 30}}) {
    auto ask = ask_of(query_kind::series);
    ask.step = step;
    REQUIRE_FALSE(check_query(ask, now_us));
    CHECK(ask.to_us % length == 0);
    CHECK(ask.to_us > now_us);
    CHECK(ask.to_us - now_us <= length);
    CHECK((ask.to_us - ask.from_us) / length == points);
  }
}

TEST_CASE("a series that ends on a step does not get another one", "[model][query_rules]") {
  auto ask = ask_of(query_kind::series);
  ask.from_us = now_us - now_us % minute - 3 * minute;
  ask.to_us = ask.from_us + 2 * minute;
  auto from = ask.from_us;
  REQUIRE_FALSE(check_query(ask, now_us));
  CHECK(ask.from_us == from);
  CHECK(ask.to_us == from + 2 * minute);
}

TEST_CASE("a range is widened to whole steps", "[model][query_rules]") {
  auto ask = ask_of(query_kind::series);
  ask.step = series_step::hour;
  ask.from_us = now_us;
  ask.to_us = now_us + 1;
  REQUIRE_FALSE(check_query(ask, now_us));
  CHECK(ask.to_us - ask.from_us == hour);
  auto top = ask_of(query_kind::top_pages);
  top.from_us = now_us;
  REQUIRE_FALSE(check_query(top, now_us));
  CHECK(top.from_us == now_us - now_us % minute);
  CHECK(top.to_us == unset_time);
}

TEST_CASE("a series has at most 10,000 points", "[model][query_rules]") {
  auto ask = ask_of(query_kind::series);
  ask.to_us = now_us - now_us % minute;
  ask.from_us = ask.to_us - 10'000 * minute;
  CHECK(field_refused(ask).empty());
  ask.from_us -= 1;
  CHECK(field_refused(ask) == "from");
}

TEST_CASE("times outside 2000 to 2100 and empty ranges are refused", "[model][query_rules]") {
  for (auto kind : {query_kind::top_pages, query_kind::series}) {
    auto ask = ask_of(kind);
    ask.from_us = limits::first_at_us - 1;
    CHECK(field_refused(ask) == "from");
    ask.from_us = unset_time;
    ask.to_us = limits::last_at_us + 1;
    CHECK(field_refused(ask) == "to");
    ask.to_us = std::numeric_limits<int64_t>::max();
    CHECK(field_refused(ask) == "to");
    ask.from_us = now_us;
    ask.to_us = now_us - day;
    CHECK(field_refused(ask) == "from");
  }
  auto later = ask_of(query_kind::series);
  later.from_us = now_us + day;
  CHECK(field_refused(later) == "from");
}

TEST_CASE("a clock that is far off still gives a range", "[model][query_rules]") {
  for (auto now : {int64_t{0}, limits::last_at_us + 5 * day}) {
    for (auto step : {series_step::minute, series_step::hour, series_step::day}) {
      auto ask = ask_of(query_kind::series);
      ask.step = step;
      REQUIRE_FALSE(check_query(ask, now));
      CHECK(ask.from_us >= limits::first_at_us);
      CHECK(ask.to_us <= limits::last_at_us);
      CHECK(ask.from_us < ask.to_us);
    }
  }
}

TEST_CASE("after is a list of positions or nothing", "[model][query_rules]") {
  std::vector<position> out;
  CHECK_FALSE(check_after("", out));
  CHECK(out.empty());
  CHECK_FALSE(check_after("0:1,3:42", out));
  CHECK(out == std::vector<position>{{0, 1}, {3, 42}});
  for (auto text : {"1", "1:", ":1", "1:-2", "1:2,", "1:2 ", "x", "1:99999999999999999999"}) {
    CHECK(check_after(text, out).field == "after");
    CHECK(out.empty());
  }
}
