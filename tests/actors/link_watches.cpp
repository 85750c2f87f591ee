// Watches of pages that another node has.
#include <catch2/catch.hpp>

#include "tests/actors/linked_fixture.hpp"

using namespace footfall;
using namespace footfall::test;

SCENARIO_METHOD(linked_fixture, "a watch follows its page", "[actor][links]") {
  const auto page = page_at(*door_b);
  std::vector<uint64_t> seen;
  bool has_ended = false;
  const auto watch = door->watch(default_site, page, [&](query_answer x) {
    has_ended = x.code != errc::none;
    CHECK(x.as_of_us <= time_us);
    if (!has_ended)
      seen.push_back(x.clicks);
  });
  advance(1500ms);
  post_to(*door, {click("e1", "u1", page)});
  advance(1500ms);
  CHECK(seen.back() == 1);
  WHEN("the owner leaves") {
    door_b->leave();
    advance(1500ms);
  }
  WHEN("the link is cut for a while") {
    network.down = true;
    network.cut_all();
    advance(500ms);
    post_to(*door, {click("e2", "u1", page)});
    advance(2s);
    CHECK(seen.back() == 2);
    network.down = false;
    advance(2s);
  }
  WHEN("the owner cannot reach the store") {
    store_b.cut = true;
    advance(8s);
    CHECK(states(*door) == "rrrr");
  }
  WHEN("the owner dies") {
    links_b.end();
    end_b();
    advance(5s);
  }
  post_to(*door, {click("e3", "u1", page)});
  advance(2500ms);
  CHECK(seen.back() == ask(page_of(page)).clicks);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  CHECK_FALSE(has_ended);
}

SCENARIO_METHOD(linked_fixture, "a watch is told no less when its page is followed to its owner",
                "[actor][links]") {
  const auto page = page_at(*door_b);
  post_to(*door, {click("e1", "u1", page)});
  std::vector<uint64_t> seen;
  const auto watch = door->watch(default_site, page, [&](query_answer x) {
    if (x.code == errc::none)
      seen.push_back(x.clicks);
  });
  advance(1500ms);
  REQUIRE(seen.back() == 1);
  store_b.keeps_applied = true; // The store has more than the owner knows for a while.
  network.down = true;
  network.cut_all();
  post_to(*door, {click("e2", "u1", page)});
  advance(400ms);
  CHECK(seen.back() == 2);
  const auto asked = seen.size();
  network.down = false;
  advance(1s);
  REQUIRE(is_linked(*door));
  CHECK(seen.size() == asked);
  store_b.keeps_applied = false;
  for (auto& answer : store_b.kept_applied)
    answer();
  post_to(*door, {click("e3", "u1", page)});
  advance(2s);
  CHECK(seen.back() == 3);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
}

SCENARIO_METHOD(linked_fixture, "what another node watches ends with its link, or its gateway",
                "[actor][links]") {
  const auto page = page_at(*door_b);
  const auto watch = door->watch(default_site, page, [](const query_answer&) {});
  advance(1500ms);
  REQUIRE(open_at_queries() == 1);
  SECTION("the link") {
    network.down = true;
    network.cut_all();
    settle();
    CHECK(open_at_queries() == 1); // At this node now.
  }
  SECTION("the gateway") {
    kill("gateway");
    CHECK(open_at_queries() == 0);
  }
}
