#include <catch2/catch.hpp>

#include "tests/support/deterministic.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

/// Batches of 10; the store is slow when the test releases its answers slowly.
struct limited_fixture : node_fixture {
  explicit limited_fixture(bool is_manual = false)
      : node_fixture({"memory", is_manual}, {}, pattern(), false, 30s) {
    for (int i = 0; i < 20; ++i) {
      events.release();
      settle();
    }
  }
  static partition_config pattern() {
    partition_config out;
    out.batch_max = 10;
    return out;
  }
  std::vector<click_event> many(size_t count, const std::string& page) {
    std::vector<click_event> out;
    for (size_t i = 0; i < count; ++i)
      out.push_back(click("", "u1", page));
    return out;
  }
  int64_t lag_us() {
    int64_t out = 0;
    door->health([&](const node_health& x) {
      for (auto lag : x.lags_us)
        out = std::max(out, lag);
    });
    return out;
  }
};

struct slow_fixture : limited_fixture {
  slow_fixture() : limited_fixture(true) {}
};

} // namespace

SCENARIO_METHOD(limited_fixture, "a store that stands still is not given more than the limit",
                "[actor][lag]") {
  post({click("a")});
  time_us += 3'600'000'000;
  CHECK(lag_us() == 0);
  events.refuse_applies = true;
  REQUIRE(post({click("b")}).results.at(0).status == outcome::accepted);
  advance(29s);
  CHECK(lag_us() == 29'000'000);
  CHECK(post({click("c")}).results.at(0).status == outcome::accepted);
  advance(2s);
  WHEN("more comes") {
    const auto before = counts.log_appends.load();
    auto reply = post({click("d"), click("e", "u1", "/q"), click("f")});
    THEN("it is refused before the log is touched, each event by its partition") {
      REQUIRE(reply.results.size() == 3);
      CHECK(reply.results[1].status == outcome::accepted);
      for (auto i : {size_t{0}, size_t{2}}) {
        const auto& x = reply.results[i];
        INFO(x.reason);
        CHECK(x.status == outcome::rejected);
        CHECK(x.code == errc::overloaded);
        CHECK(x.event_id == (i == 0 ? "d" : "f"));
        CHECK(x.retry_after_s == 30);
        CHECK(x.reason.find("lag-limit = 30 s") != std::string::npos);
        CHECK(x.reason.find("for 31 s") != std::string::npos);
      }
      CHECK(counts.log_appends == before + 1);
      CHECK(counts.events_lagging == 2);
    }
  }
  WHEN("it moves again") {
    events.refuse_applies = false;
    advance(5s);
    THEN("everything that was accepted counts, and more is taken") {
      CHECK(post({click("g")}).results.at(0).status == outcome::accepted);
      advance(1s);
      auto page = count_of("");
      page.kind = query_kind::page;
      CHECK(ask(page).clicks == 4); // a, b, c, g
      CHECK(lag_us() == 0);
    }
  }
}

SCENARIO_METHOD(limited_fixture, "a clock that is set while something waits refuses nothing",
                "[actor][lag][clock]") {
  const auto hours = GENERATE(5, -5);
  post({click("a")});
  advance(1s);
  events.refuse_applies = true;
  REQUIRE(post({click("b")}).results.at(0).status == outcome::accepted);
  time_us += int64_t{hours} * 3'600'000'000;
  CHECK(post({click("c")}).results.at(0).status == outcome::accepted);
  advance(31s); // As time passes, whatever the clock says.
  CHECK(post({click("d")}).results.at(0).code == errc::overloaded);
}

SCENARIO_METHOD(slow_fixture, "more than can be counted in time is refused", "[actor][lag]") {
  size_t accepted = 0, refused = 0;
  int64_t longest = 0;
  // A batch of 10 each 250 ms: 40 a second, and 30 s of it are 1,200.
  for (int step = 0; step < 600; ++step) {
    for (const auto& x : post(many(20, "/p")).results) {
      (x.status == outcome::accepted ? accepted : refused) += 1;
      if (x.status != outcome::accepted) {
        CHECK(x.code == errc::overloaded);
        CHECK(x.retry_after_s >= 1);
        CHECK(x.retry_after_s <= 30);
      }
    }
    const auto waits = post({click("", "u1", "/q")}).results.at(0); // Another partition.
    CHECK(waits.status == outcome::accepted);
    advance(250ms);
    events.release(100);
    settle();
    longest = std::max(longest, lag_us());
  }
  CHECK(refused > 4'000);
  CHECK(accepted > 6'000); // What is counted in that time, and what waits.
  CHECK(longest > 25'000'000);
  CHECK(longest < 36'000'000);
  for (int i = 0; i < 400; ++i) {
    advance(100ms);
    events.release(100);
    settle();
  }
  CHECK(counts.events_applied == accepted + 600);
  CHECK(lag_us() == 0);
}
