// The wall clock is set, hours ahead or back, while a node runs.
#include <catch2/catch.hpp>

#include "tests/actors/asked.hpp"
#include "tests/support/deterministic.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

SCENARIO_METHOD(node_fixture, "clicks are counted as before when the clock is set",
                "[actor][clock]") {
  post({click("a")});
  advance(1s);
  REQUIRE(clicks_of_page(*this) == 1);
  REQUIRE(counts.pages_live == 1);
  const auto hours = GENERATE(5, -5);
  GIVEN("a clock that is set by hours: " + std::to_string(hours)) {
    time_us += int64_t{hours} * 3'600'000'000;
    post({click("b")});
    post({click("c")});
    advance(1s);
    CHECK(counts.events_applied == 3);
    CHECK(counts.events_folded == 3);
    CHECK(clicks_of_page(*this) == 3);
    CHECK(ask(count_of("u1")).clicks == 3);
    CHECK(counts.partitions_stopped == 0);
    THEN("a page that is used stays live") {
      for (int i = 0; i < 100; ++i)
        advance(1s);
      CHECK(counts.pages_passivated == 0);
      AND_THEN("it ends when nobody used it for long") {
        for (int i = 0; i < 300; ++i)
          advance(1s);
        CHECK(counts.pages_passivated == 1);
        CHECK(clicks_of_page(*this) == 3);
      }
    }
    THEN("watchers are told on") {
      size_t told = 0;
      auto watch = door->watch(default_site, "/p", [&told](const query_answer&) { ++told; });
      advance(500ms);
      const auto before = told;
      time_us += int64_t{hours} * 3'600'000'000;
      post({click("d")});
      advance(300ms); // Before the watch is renewed.
      CHECK(told > before);
    }
  }
}
