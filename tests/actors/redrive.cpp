#include <catch2/catch.hpp>

#include <map>

#include "proto/failpoint.hpp"
#include "tests/support/deterministic.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

std::string json_event(const std::string& id) {
  // The space hides it from a reader that looks at the first byte alone.
  return " {\"event_id\":\"" + id
         + "\",\"user_id\":\"u1\",\"event_type\":\"click\",\"page_url\":\"/p\"}";
}

struct redrive_fixture : node_fixture {
  /// Puts records as another producer would, all into partition 0.
  void put(std::vector<std::string> records) {
    std::vector<log_record> batch;
    for (auto& x : records)
      batch.push_back({0, "k", std::move(x)});
    log.append(std::move(batch), [](std::vector<append_outcome>) {});
    advance(100ms);
  }

  redrive_reply redrive(redrive_ask ask = {}) {
    redrive_reply out;
    out.code = errc::internal; // "No answer": not one that a re-drive gives here.
    door->redrive(std::move(ask), [&out](redrive_reply x) { out = std::move(x); });
    settle();
    return out;
  }

  bad_event_page list(bad_events_ask ask = {}) {
    bad_events_reply out;
    door->bad_events(ask, [&out](bad_events_reply x) { out = std::move(x); });
    settle();
    return out.page;
  }

  uint64_t clicks() {
    advance(1s);
    return ask(count_of("u1")).clicks;
  }
};

memory_store* store_to_fail = nullptr;

std::map<std::string, outcome> by_position(const redrive_reply& reply) {
  std::map<std::string, outcome> out;
  for (const auto& x : reply.results)
    out[to_string(x.pos)] = x.result.status;
  return out;
}

} // namespace

SCENARIO_METHOD(redrive_fixture, "bad events that can be read today are counted once",
                "[actor][redriver]") {
  put({json_event("a"), "nonsense", json_event("b"), ""});
  REQUIRE(list().rows.size() == 4);
  REQUIRE(clicks() == 0);
  GIVEN("a re-drive of all") {
    auto reply = redrive();
    REQUIRE(reply.code == errc::none);
    CHECK_FALSE(reply.more);
    REQUIRE(reply.results.size() == 4);
    CHECK(reply.results[0].result.status == outcome::accepted);
    CHECK(reply.results[0].result.event_id == "a");
    CHECK(reply.results[1].result.status == outcome::rejected);
    CHECK(reply.results[1].result.code == errc::invalid_argument);
    CHECK_FALSE(reply.results[1].result.reason.empty());
    CHECK(clicks() == 2);
    THEN("the rows stay, and say where they went") {
      auto rows = list().rows;
      REQUIRE(rows.size() == 4);
      CHECK(rows[0].redriven == reply.results[0].result.pos);
      CHECK(rows[1].redriven.offset == -1);
      CHECK(rows[2].redriven == reply.results[2].result.pos);
      CHECK(list({{}, 10, true}).rows.size() == 2);
    }
    THEN("a second one has only what is left") {
      CHECK(by_position(redrive())
            == std::map<std::string, outcome>{{"0:1", outcome::rejected},
                                              {"0:3", outcome::rejected}});
      CHECK(clicks() == 2);
    }
    THEN("named positions are appended again and count nothing") {
      auto again = redrive({{{0, 0}, {0, 1}, {7, 7}}, {}, 100});
      CHECK(by_position(again)
            == std::map<std::string, outcome>{{"0:0", outcome::accepted},
                                              {"0:1", outcome::rejected},
                                              {"7:7", outcome::rejected}});
      for (const auto& x : again.results)
        if (x.pos.partition == 7)
          CHECK(x.result.code == errc::not_found);
      CHECK(clicks() == 2);
      CHECK(counts.events_duplicate == 1);
    }
  }
  GIVEN("pages of one") {
    auto first = redrive({{}, {}, 1});
    CHECK(first.more);
    REQUIRE(first.results.size() == 1);
    auto second = redrive({{}, first.results[0].pos, 1});
    CHECK(by_position(second) == std::map<std::string, outcome>{{"0:1", outcome::rejected}});
    CHECK(clicks() == 1);
  }
}

SCENARIO_METHOD(redrive_fixture, "a re-drive that fails half-way is repeated without harm",
                "[actor][redriver]") {
  put({json_event("a")});
  GIVEN("a store that cannot be read") {
    events.fail_next(errc::store_unavailable, false);
    CHECK(redrive().code == errc::store_unavailable);
    CHECK(clicks() == 0);
  }
  GIVEN("a log that did not confirm") {
    log.fail_next(errc::timeout);
    auto reply = redrive();
    REQUIRE(reply.results.size() == 1);
    CHECK(reply.results[0].result.status == outcome::unknown);
    CHECK(list({{}, 10, true}).rows.size() == 1);
  }
  GIVEN("a mark that was not made") {
    store_to_fail = &events;
    set_failpoint_hook([](const char* name) {
      if (name == std::string("redrive.before_mark"))
        store_to_fail->fail_next(errc::store_unavailable, false);
    });
    auto reply = redrive();
    set_failpoint_hook(nullptr);
    CHECK(reply.code == errc::store_unavailable);
    CHECK(reply.reason.find("nothing counts twice") != std::string::npos);
    CHECK(list({{}, 10, true}).rows.size() == 1);
  }
  auto again = redrive();
  REQUIRE(again.code == errc::none);
  REQUIRE(again.results.size() == 1);
  CHECK(again.results[0].result.status == outcome::accepted);
  CHECK(clicks() == 1);
  CHECK(list({{}, 10, true}).rows.empty());
}

SCENARIO_METHOD(redrive_fixture, "a killed redriver comes back", "[actor][redriver]") {
  put({json_event("a")});
  kill("redriver");
  advance(2s);
  CHECK(redrive().results.size() == 1);
  CHECK(clicks() == 1);
}
