// Pages whose load is slow, fails, or is answered when the page is gone.
#include <catch2/catch.hpp>

#include <map>

#include "tests/actors/asked.hpp"
#include "tests/actors/log_fixture.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

/// Three pages of one partition, of which two may be live; each was clicked once, by u1.
struct loads_fixture : node_fixture {
  static partition_config pattern() {
    partition_config out;
    out.live_pages_max = 2 * log_fixture::partitions;
    return out;
  }
  loads_fixture() : node_fixture({}, {}, pattern()) {
    for (int i = 0; i < 3; ++i)
      click_on(i, "first" + std::to_string(i));
    advance(1s);
  }

  static std::string page(int number) {
    for (int i = 0;; ++i) {
      auto x = "/" + std::to_string(i);
      if (log_fixture::home(x) == log_fixture::home("/p") && number-- == 0)
        return x;
    }
  }
  void click_on(int number, const std::string& id) { post({click(id, "u1", page(number))}); }

  /// Asks without waiting; the page becomes live.
  void begin(int number, query_kind kind = query_kind::page) {
    auto question = count_of("", page(number));
    question.kind = kind;
    door->query(question, [this, number](query_answer x) { told[number].push_back(std::move(x)); });
    settle();
  }
  void end_of_loads() {
    events.hold_loads(false);
    settle();
  }
  query_answer count(int number = 0) { return ask(count_of("u1", page(number))); }

  std::map<int, std::vector<query_answer>> told;
};

} // namespace

SCENARIO_METHOD(loads_fixture, "who waits for a page that is evicted is answered by the store",
                "[actor][page]") {
  events.hold_loads(true);
  for (int i = 0; i < 3; ++i)
    begin(i);
  CHECK(counts.pages_passivated == 1);
  CHECK(told.empty());
  end_of_loads();
  for (int i = 0; i < 3; ++i) {
    INFO(i);
    REQUIRE(told[i].size() == 1);
    CHECK(told[i][0].code == errc::none);
    CHECK(told[i][0].clicks == 1);
  }
}

SCENARIO_METHOD(loads_fixture, "a page that is evicted and comes back is loaded anew, once",
                "[actor][page]") {
  GIVEN("a page that is evicted while it loads, is clicked, and asked for again") {
    events.hold_loads(true);
    for (int i = 0; i < 3; ++i)
      begin(i);
    click_on(0, "second");
    advance(50ms);
    REQUIRE(counts.events_applied == 4);
    begin(0, query_kind::users); // The first question is still open: the same would wait with it.
    WHEN("the store answers") {
      end_of_loads();
      THEN("the new one takes nothing that was read for the old one") {
        REQUIRE(told[0].size() == 2);
        const auto& users = told[0][0].rows.at(0).name == "u1" ? told[0][0] : told[0][1];
        CHECK(users.rows.at(0).clicks == 2);
        begin(0);
        const auto now = told[0].at(2);
        CHECK(now.source == answer_source::actor);
        CHECK(now.clicks == 2);
        REQUIRE(now.rows.size() == 1);
        CHECK(now.rows[0].clicks == 2);
        CHECK(now.minutes.back() == 2);
      }
    }
  }
}

SCENARIO_METHOD(loads_fixture, "a click on a page that loads leaves no old count in the cache",
                "[actor][page]") {
  REQUIRE(count().clicks == 1);
  REQUIRE(count().source == answer_source::cache);
  events.hold_loads(true);
  const auto end = GENERATE(as<std::string>{}, "fails", "fails before the fold", "is evicted");
  GIVEN("a page that is clicked while it loads, and then " + end) {
    if (end != "is evicted")
      events.fail_next(errc::store_unavailable);
    begin(0);
    click_on(0, "second");
    if (end == "fails before the fold")
      end_of_loads();
    if (end == "is evicted")
      for (int other : {1, 2})
        begin(other);
    advance(1s);
    end_of_loads();
    REQUIRE(counts.events_applied == 4);
    REQUIRE(told[0].size() == 1);
    CHECK((told[0][0].code == errc::none) == (end == "is evicted"));
    THEN("the count has the click") {
      CHECK(count().clicks == 2);
      CHECK(count().clicks == 2);
    }
  }
}

SCENARIO_METHOD(loads_fixture, "a page that dies leaves no old count in the cache",
                "[actor][page]") {
  begin(0);
  REQUIRE(count().clicks == 1);
  REQUIRE(count().source == answer_source::cache);
  events.hold_applies(true);
  click_on(0, "second");
  events.hold_applies(false); // The answer is on its way.
  kill("page_aggregator");
  REQUIRE(counts.events_applied == 4);
  CHECK(count().clicks == 2);
}
