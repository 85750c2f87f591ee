// What is under way when a partition stops, or while a person lets it go on.
#include <catch2/catch.hpp>

#include "tests/actors/log_fixture.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

const auto one = log_fixture::home("/p");

struct lost_fixture : looking_fixture {
  /// Offsets 1 and 2 are lost before they were applied.
  lost_fixture() {
    post_one("a");
    events.fail_next(errc::store_unavailable, false);
    post({click("b"), click("c")});
    log.lose(one, 3);
    advance(5s);
    REQUIRE(row().state == "stopped");
  }
};

struct held_fixture : node_fixture {
  held_fixture() : node_fixture({"memory", true}) {}
  void let_go() {
    for (int i = 0; i < 20; ++i) {
      events.release();
      settle();
    }
  }
};

} // namespace

SCENARIO_METHOD(looking_fixture, "a partition that stops while its log is looked at says why",
                "[actor][partition]") {
  REQUIRE(post_one("a").status == outcome::accepted);
  log.hold_looks(true);
  advance(4s);
  log.cut(one, 0);
  log.skip(one, 0); // The fetch that waits finds no place any more.
  settle();
  REQUIRE(counts.partitions_stopped == 1);
  log.hold_looks(false);
  settle();
  CHECK(row().stopped == stop_kind::log_too_short);
  CHECK(row().why.find("--new-generation") != std::string::npos);
  CHECK(skip(one, 1).reason.find("skipping does not help") == 0);
}

SCENARIO_METHOD(lost_fixture, "a skip whose answer was lost is found at the next try",
                "[actor][partition]") {
  events.fail_next(errc::none);
  events.fail_next(errc::store_unavailable, true);
  CHECK(skip(one, 3).code == errc::store_unavailable);
  CHECK(row().next_offset == 1);
  CHECK(skip(one, 3).code == errc::fenced);
  CHECK(row().state == "running");
  CHECK(row().next_offset == 3);
  CHECK(post_one("d").status == outcome::accepted);
  CHECK(clicks() == 2);
}

SCENARIO_METHOD(lost_fixture, "a store that goes back ends a skip, and strands nothing",
                "[actor][partition]") {
  events.keep();
  log.hold_looks(true);
  partition_reply told;
  door->skip(one, 3, [&](partition_reply x) { told = std::move(x); });
  settle();
  events.go_back();
  events.fail_next(errc::store_unavailable, false);
  settle();
  CHECK(told.code == errc::fenced);
  log.hold_looks(false);
  advance(5s);
  CHECK(row().state == "stopped");
  CHECK(skip(one, 3).code == errc::none);
  CHECK(row().state == "running");
}

SCENARIO_METHOD(log_fixture, "a stopped partition takes no posts while it claims again",
                "[actor][partition]") {
  REQUIRE(post_one("a").status == outcome::accepted);
  log.make_anew("log=other");
  restart();
  REQUIRE(row().state == "stopped");
  REQUIRE(counts.partitions_stopped == 4);
  events.keep();
  events.go_back();
  for (int i = 0; i < 20; ++i)
    events.fail_next(errc::store_unavailable, false);
  settle();
  CHECK(skip(one, 5).reason.find("claims again") != std::string::npos);
  CHECK(post_one("b").code == errc::partition_stopped);
  advance(20s);
  CHECK(row().state == "stopped");
  CHECK(counts.partitions_stopped == 4); // The same stop, and told once.
}

SCENARIO_METHOD(log_fixture, "a shorter log of a new generation leaves nothing to wait for",
                "[actor][partition]") {
  for (int i = 0; i < 9; ++i)
    REQUIRE(post_one("old" + std::to_string(i)).status == outcome::accepted);
  kill("log_reader");
  log.make_anew("log=other");
  restart();
  REQUIRE(new_generation().code == errc::none);
  node_health found;
  for (int i = 0; i < 10; ++i) {
    door->look();
    advance(1s);
  }
  door->health([&](node_health x) { found = std::move(x); });
  settle();
  CHECK(row().log_end == 0);
  CHECK(found.ready);
}

SCENARIO_METHOD(held_fixture,
                "questions that wait for a page when its partition stops are answered",
                "[actor][partition]") {
  let_go();
  post({click("a")});
  let_go();
  query_ask page = count_of("", "/other");
  page.kind = query_kind::page;
  page.page_url = [] { // Of the same partition, and not live.
    for (int i = 0;; ++i)
      if (auto x = "/" + std::to_string(i); log_fixture::home(x) == one)
        return x;
  }();
  std::vector<errc> told;
  door->query(page, [&](query_answer x) { told.push_back(x.code); });
  settle();
  log.cut(one, 0);
  log.skip(one, 0);
  settle();
  let_go();
  CHECK(told.size() == 1);
  door->query(page, [&](query_answer x) { told.push_back(x.code); });
  settle();
  let_go();
  REQUIRE(told.size() == 2);
  CHECK(told[1] == errc::none);
}
