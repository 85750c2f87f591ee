// The wall clock is set, hours ahead or back, while requests are open.
#include <catch2/catch.hpp>

#include "tests/actors/asked.hpp"
#include "tests/support/deterministic.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

/// The log answers when the test lets it.
struct clock_fixture : node_fixture {
  clock_fixture() : node_fixture({}, slow()) { answer(); }
  static memory_log::config slow() {
    memory_log::config out;
    out.manual = true;
    return out;
  }
  void answer() {
    for (int i = 0; i < 20; ++i) {
      while (log.release() > 0)
        settle();
      advance(50ms);
    }
  }
  void set_clock(int hours) { time_us += int64_t{hours} * 3'600'000'000; }
  bool is_live() {
    bool out = false;
    door->health([&](const node_health& x) { out = x.live; });
    return out;
  }
};

} // namespace

SCENARIO_METHOD(clock_fixture, "an open request is neither given up nor forgotten by a set clock",
                "[actor][clock]") {
  const auto hours = GENERATE(5, -5);
  std::vector<event_result> told;
  door->ingest({click("a")}, [&](ingest_reply x) { told = std::move(x.results); });
  settle();
  GIVEN("an event under way, and a clock set by hours: " + std::to_string(hours)) {
    set_clock(hours);
    CHECK(is_live());
    advance(1s);
    CHECK(is_live());
    REQUIRE(told.empty());
    WHEN("the log confirms in time") {
      answer();
      THEN("it is accepted") {
        REQUIRE(told.size() == 1);
        CHECK(told[0].status == outcome::accepted);
      }
    }
    WHEN("the log does not") {
      advance(5s);
      THEN("it is unknown when its time is up") {
        REQUIRE(told.size() == 1);
        CHECK(told[0].code == errc::timeout);
      }
    }
  }
}

SCENARIO_METHOD(clock_fixture, "a question waits as long as before when the clock is set",
                "[actor][clock]") {
  const auto hours = GENERATE(5, -5);
  GIVEN("one for a position that nobody wrote, and hours: " + std::to_string(hours)) {
    auto far = count_of("u1");
    far.after = {{0, 1'000'000}};
    query_answer told;
    told.code = errc::internal;
    door->query(far, [&](query_answer x) { told = std::move(x); });
    settle();
    set_clock(hours);
    advance(1s);
    CHECK(told.code == errc::internal);
    advance(2s);
    CHECK(told.code == errc::position_not_reached);
  }
}

SCENARIO_METHOD(clock_fixture, "the cache keeps a count as long as before when the clock is set",
                "[actor][clock]") {
  const auto hours = GENERATE(5, -5);
  GIVEN("a count in the cache, and hours: " + std::to_string(hours)) {
    door->ingest({click("a")}, [](ingest_reply) {});
    settle();
    answer();
    ask(count_of("u1"));
    REQUIRE(ask(count_of("u1")).source == answer_source::cache);
    set_clock(hours);
    CHECK(ask(count_of("u1")).source == answer_source::cache);
    advance(31s);
    CHECK(ask(count_of("u1")).source != answer_source::cache);
    CHECK(ask(count_of("u1")).source == answer_source::cache);
  }
}

SCENARIO_METHOD(clock_fixture,
                "an actor that keeps failing is not taken for healthy by a set clock",
                "[actor][clock]") {
  for (auto pause : {50ms, 100ms, 200ms}) {
    kill("redriver");
    advance(pause);
  }
  set_clock(5);
  kill("redriver");
  advance(200ms); // Its backoff has grown to 400 ms.
  const auto restarts = [this] {
    std::string out;
    door->actors({}, [&](actors_reply x) {
      for (const auto& row : x.rows)
        out += row.name == "redriver" ? "it runs" : "";
    });
    settle();
    return out;
  };
  CHECK(restarts() == "");
  advance(300ms);
  CHECK(restarts() == "it runs");
}
