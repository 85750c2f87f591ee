#include <catch2/catch.hpp>

#include "tests/actors/asked.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

/// Pages with more than one user are too big to be kept by user: the store is asked.
struct big_pages_fixture : node_fixture {
  static partition_config pattern() {
    partition_config out;
    out.users_per_page_max = 1;
    return out;
  }
  big_pages_fixture() : node_fixture({}, {}, pattern()) {}
};

} // namespace

SCENARIO_METHOD(big_pages_fixture, "a watched page is told right, however long reads take",
                "[actor][watch]") {
  post({click("a", "u1"), click("b", "u2")});
  advance(1s);
  GIVEN("a watch whose reads have not come back when the page changes") {
    events.hold_reads = true;
    std::vector<query_answer> told;
    auto token = door->watch(default_site, "/p", [&](query_answer x) { told.push_back(x); });
    settle();
    for (const char* id : {"c", "d"}) {
      post({click(id, "u1")});
      advance(500ms);
    }
    auto release_one = [&] {
      const auto released = events.release_held(1);
      settle();
      return released > 0;
    };
    THEN("each answer has all its types, and the last has all clicks") {
      while (release_one())
        advance(10ms);
      REQUIRE(!told.empty());
      uint64_t before = 0;
      for (const auto& x : told) {
        CHECK(x.code == errc::none);
        REQUIRE(x.rows.size() == 1);
        CHECK(x.rows[0].name == "click");
        CHECK(x.rows[0].clicks == x.clicks);
        CHECK(x.clicks >= before);
        before = x.clicks;
      }
      CHECK(before == 4);
    }
    THEN("a change after them is told as well") {
      events.hold_reads = false;
      while (release_one()) {
      }
      post({click("e", "u3")});
      advance(1s);
      CHECK(told.back().clicks == 5);
    }
  }
}
