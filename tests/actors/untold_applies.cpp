// Applies whose answer the partition does not take: what they committed is told to nobody.
#include <catch2/catch.hpp>

#include "tests/actors/asked.hpp"
#include "tests/actors/cluster_fixture.hpp"
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

/// "/p" is live in its partition; other producers put records of it into another one.
struct stray_fixture : log_fixture {
  const uint32_t elsewhere = (one + 1) % partitions;

  stray_fixture() {
    post_one("a");
    REQUIRE(clicks_of_page(*this) == 1);
  }
  void stray(const std::string& id) {
    auto foreign = click(id);
    foreign.site_id = default_site;
    foreign.at_us = time_us;
    log.append({{elsewhere, "k", model::encode_record(foreign, time_us)}}, [](auto) {});
    settle();
  }
  void kill_elsewhere() {
    for (const auto& entry : actor_directory::get().snapshot())
      if (entry->name == "partition" && entry->read().key == std::to_string(elsewhere))
        caf::anon_send_exit(caf::actor_cast<caf::actor>(entry->handle.lock()),
                            caf::exit_reason::kill);
    settle();
  }
};

} // namespace

SCENARIO_METHOD(stray_fixture, "a page learns of clicks that another partition applied untold",
                "[actor][partition]") {
  GIVEN("an apply of that partition whose answer is lost") {
    events.fail_next(errc::store_unavailable, true);
    stray("b");
    advance(1s);
    CHECK(clicks_of_page(*this) == 2);
    CHECK(clicks() == 2);
  }
  GIVEN("that partition dies before the answer") {
    events.hold_applies(true);
    stray("b");
    kill_elsewhere();
    events.hold_applies(false);
    advance(1s);
    CHECK(clicks_of_page(*this) == 2);
    CHECK(clicks() == 2);
  }
  GIVEN("a page that is read before the apply, and is given that behind it") {
    kill("page_aggregator");
    events.hold_loads(true);
    query_answer told;
    door->query(about(query_kind::page, "/p"), [&told](query_answer x) { told = std::move(x); });
    settle();
    events.fail_next(errc::store_unavailable, true);
    stray("b");
    advance(500ms);
    events.hold_loads(false);
    advance(1s);
    CHECK(told.clicks >= 1);
    CHECK(clicks_of_page(*this) == 2);
  }
  GIVEN("that partition stops with the apply under way") {
    events.hold_applies(true);
    stray("b");
    log.cut(elsewhere, 0);
    log.skip(elsewhere, 0);
    settle();
    REQUIRE(row(elsewhere).state == "stopped");
    REQUIRE(clicks_of_page(*this) == 1);
    events.hold_applies(false);
    settle();
    CHECK(clicks_of_page(*this) == 2);
  }
}

SCENARIO_METHOD(stray_fixture, "a partition that claims takes no live page from another",
                "[actor][partition]") {
  stray("b");
  advance(1s);
  REQUIRE(clicks_of_page(*this) == 2);
  const auto loaded = counts.pages_loaded.load();
  GIVEN("one that begins anew with nothing under way") {
    kill_elsewhere();
    advance(2s);
  }
  GIVEN("one whose fold failed") {
    events.refuse_folds = true;
    stray("c");
    advance(2s);
    events.refuse_folds = false;
    advance(1s);
  }
  CHECK(clicks_of_page(*this) >= 2);
  CHECK(counts.pages_loaded == loaded);
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

namespace {

/// A live page in front of a store that has applied more than its partition has heard of.
struct ahead_fixture : cluster_fixture {
  ahead_fixture() : cluster_fixture(false) {
    post({click("a")});
    REQUIRE(clicks_of_page(*this) == 1);
    store_a.keeps_applied = true;
    post({click("b", "eve")});
    REQUIRE(store_a.kept_applied.size() == 1);
    values.forget(); // And takes nothing for a second, so that only the page is in the way.
  }
  void tell() {
    store_a.keeps_applied = false;
    for (auto& answer : std::exchange(store_a.kept_applied, {}))
      answer();
    settle();
  }
};

} // namespace

SCENARIO_METHOD(ahead_fixture, "a count that the store gave is not taken back by a live page",
                "[actor][query]") {
  const auto first = ask(count_of("eve")); // Nobody here knows the number of that name.
  REQUIRE(first.source == answer_source::store);
  REQUIRE(first.clicks == 1);
  for (int i = 0; i < 3; ++i) {
    const auto again = ask(count_of("eve"));
    CHECK(again.clicks == 1);
    CHECK(again.source == answer_source::store);
  }
  THEN("the page answers again as soon as it has heard of the apply") {
    tell();
    advance(1s);
    const auto page = ask(about(query_kind::page, "/p"));
    CHECK(page.clicks == 2);
    CHECK(page.source == answer_source::actor);
    CHECK(ask(count_of("eve")).clicks == 1);
  }
  THEN("another page is asked as before") {
    tell();
    post({click("c", "eve", "/q")});
    REQUIRE(clicks_of_page(*this, "/q") == 1);
    CHECK(ask(about(query_kind::page, "/q")).source == answer_source::actor);
  }
}
