// Applies whose answer the partition does not take: what they committed is told to nobody.
#include <catch2/catch.hpp>

#include "tests/actors/asked.hpp"
#include "tests/actors/log_fixture.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

const auto one = log_fixture::home("/p");

/// A live page with one click, whose count stands in the cache.
struct cached_fixture : log_fixture {
  cached_fixture() {
    post_one("a");
    clicks_of_page(*this);
    clicks();
    REQUIRE(ask(count_of("u1")).source == answer_source::cache);
    REQUIRE(clicks() == 1);
  }
  /// The fetch that waits finds no place any more.
  void stop() {
    log.cut(one, 0);
    log.skip(one, 0);
    settle();
    REQUIRE(row().state == "stopped");
  }
};

} // namespace

SCENARIO_METHOD(cached_fixture, "a partition that will claim again has no live pages",
                "[actor][partition]") {
  events.fail_next(errc::store_unavailable, true);
  post({click("b")});
  CHECK(clicks_of_page(*this) == 2);
  advance(1s);
  CHECK(clicks_of_page(*this) == 2);
  CHECK(clicks() == 2);
}

SCENARIO_METHOD(cached_fixture, "what was committed without a word is not older in the cache",
                "[actor][partition]") {
  GIVEN("an apply whose answer is lost, and a log that the partition stops at") {
    events.fail_next(errc::store_unavailable, true);
    post({click("b")});
    log.cut(one, 0);
    advance(5s);
    REQUIRE(row().state == "stopped");
    CHECK(clicks() == 2);
  }
  GIVEN("an apply whose answer is lost, and a log that does not say what it holds") {
    events.fail_next(errc::store_unavailable, true);
    log.hold_looks(true);
    post({click("b")});
    advance(1s);
    CHECK(clicks() == 2);
    log.hold_looks(false);
    advance(1s);
    CHECK(row().state == "running");
    CHECK(clicks() == 2);
  }
  GIVEN("a partition that dies before the answer") {
    events.hold_applies(true);
    post({click("b")});
    kill("partition");
    events.hold_applies(false);
    log.hold_looks(true);
    advance(1s);
    CHECK(clicks() == 2);
    log.hold_looks(false);
    settle();
  }
  GIVEN("an apply that the store does after the partition stopped") {
    events.hold_applies(true);
    post({click("b")});
    stop();
    advance(2s);
    CHECK(clicks() == 1);
    REQUIRE(ask(count_of("u1")).source == answer_source::cache);
    events.hold_applies(false);
    settle();
    CHECK(clicks() == 2);
    CHECK(clicks_of_page(*this) == 2);
  }
}

SCENARIO_METHOD(cached_fixture, "a page of a stopped partition does not become live",
                "[actor][partition]") {
  events.hold_applies(true);
  post({click("b")});
  stop();
  auto foreign = click("c");
  foreign.site_id = default_site;
  foreign.at_us = time_us;
  log.append({{(one + 1) % partitions, "k", model::encode_record(foreign, time_us)}}, [](auto) {});
  settle();
  events.hold_applies(false);
  advance(1s);
  REQUIRE(counts.events_applied == 2);
  CHECK(counts.pages_live == 0);
  CHECK(clicks_of_page(*this) == 3);
}

namespace {

/// The store has done what it was asked, and its answers come when the test lets them.
struct late_answer_fixture : node_fixture {
  late_answer_fixture() : node_fixture({"memory", true}) {
    let_go();
    post({click("a")});
    let_go();
    for (int i = 0; i < 2; ++i)
      REQUIRE(clicks() == 1);
  }
  void let_go() {
    for (int i = 0; i < 20; ++i) {
      events.release();
      settle();
      advance(100ms);
    }
  }
  uint64_t clicks() {
    query_answer out;
    door->query(count_of("u1"), [&out](query_answer x) { out = std::move(x); });
    settle();
    let_go();
    return out.clicks;
  }
};

} // namespace

SCENARIO_METHOD(late_answer_fixture, "a stop during an apply leaves no old count in the cache",
                "[actor][partition]") {
  post({click("b")});
  log.cut(one, 0);
  log.skip(one, 0);
  settle();
  REQUIRE(counts.partitions_stopped == 1);
  CHECK(clicks() == 2);
}
