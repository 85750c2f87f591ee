#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/actors/asked.hpp"
#include "tests/support/deterministic.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

/// INGESTION or QUERY ends, and its supervisor waits before it starts it again.
struct restart_fixture : node_fixture {
  /// So often that it stays away for 1.6 s.
  void wear_out(const std::string& name) {
    for (auto pause : {50ms, 100ms, 200ms, 400ms, 800ms}) {
      kill(name);
      advance(pause);
    }
    kill(name);
  }
  void post_later(const std::string& id) {
    door->ingest({click(id)}, [this](ingest_reply x) { replies.push_back(std::move(x)); });
    settle();
  }
  void ask_later(query_ask what) {
    door->query(std::move(what), [this](query_answer x) { answers.push_back(std::move(x)); });
    settle();
  }
  std::vector<ingest_reply> replies;
  std::vector<query_answer> answers;
};

} // namespace

SCENARIO_METHOD(restart_fixture, "events that come while ingestion restarts are not left alone",
                "[actor][gateway]") {
  GIVEN("a restart that takes a moment") {
    kill("ingestion");
    post_later("a");
    CHECK(replies.empty());
    advance(100ms);
    THEN("they are handed on, and counted once") {
      REQUIRE(replies.size() == 1);
      CHECK(replies[0].results.at(0).status == outcome::accepted);
      advance(1s);
      CHECK(clicks_of_page(*this) == 1);
    }
  }
  GIVEN("one that takes longer") {
    wear_out("ingestion");
    post_later("a");
    advance(1s);
    THEN("they are rejected for certain, long before the deadline") {
      REQUIRE(replies.size() == 1);
      const auto& x = replies[0].results.at(0);
      CHECK(x.status == outcome::rejected);
      CHECK(x.code == errc::restarting);
      CHECK(x.event_id == "a");
      CHECK(x.retry_after_s == 1);
      CHECK(counts.events_rejected == 1);
      CHECK(counts.events_unknown == 0);
      advance(5s);
      CHECK(clicks_of_page(*this) == 0);
      CHECK(door->in_flight() == 0);
    }
    THEN("what comes when it is back is taken") {
      advance(2s);
      auto reply = post({click("b")});
      CHECK(reply.results.at(0).status == outcome::accepted);
    }
  }
}

SCENARIO_METHOD(restart_fixture, "questions that come while the query actor restarts are answered",
                "[actor][gateway]") {
  post({click("a")});
  advance(1s);
  GIVEN("a restart that takes a moment") {
    kill("query");
    ask_later(count_of("u1"));
    CHECK(answers.empty());
    advance(100ms);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].code == errc::none);
    CHECK(answers[0].clicks == 1);
  }
  GIVEN("one that takes longer") {
    wear_out("query");
    ask_later(count_of("u1"));
    advance(1s);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].code == errc::restarting);
    CHECK(door->in_flight() == 0);
  }
  GIVEN("a watch that begins meanwhile") {
    kill("query");
    std::vector<uint64_t> seen;
    auto token = door->watch(default_site, "/p", [&](query_answer x) { seen.push_back(x.clicks); });
    advance(2s);
    REQUIRE(!seen.empty());
    CHECK(seen.back() == 1);
    post({click("b")});
    advance(2s);
    CHECK(seen.back() == 2);
  }
}

SCENARIO_METHOD(node_fixture, "a question whose time is up as it is asked again harms no other",
                "[actor][query]") {
  // For some of them the two come at the same tick.
  plan.request_timeout = std::chrono::milliseconds{GENERATE(range(4000, 5100, 50))};
  restart_node();
  post({click("a")});
  advance(1s);
  REQUIRE(ask(count_of("u1")).clicks == 1); // The user is known from here on.
  kill("page_aggregator");
  advance(1s);
  const auto restarts = counts.actor_restarts.load();
  events.hold_loads(true);
  door->query(about(query_kind::page, "/p"), [](const query_answer&) {});
  query_answer told;
  door->query(count_of("u1"), [&told](query_answer x) { told = std::move(x); });
  advance(8s);
  CHECK(told.code == errc::timeout);
  CHECK(counts.actor_restarts == restarts);
  events.hold_loads(false);
  settle();
}

SCENARIO_METHOD(node_fixture, "a watch does not go back when its page's partition dies",
                "[actor][watch]") {
  std::vector<uint64_t> seen;
  auto token = door->watch(default_site, "/p", [&](query_answer x) { seen.push_back(x.clicks); });
  // It has a change to tell then; and any time is one at which the watch is renewed.
  const auto wait = GENERATE(range(0, 1200, 50));
  advance(std::chrono::milliseconds{wait});
  post({click("a")});
  kill("partition");
  post({click("b")});
  advance(5s);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  CHECK(seen.back() == 2);
}

SCENARIO_METHOD(restart_fixture, "a gateway that starts while ingestion is away serves all others",
                "[actor][gateway]") {
  post({click("a")});
  advance(1s);
  wear_out("ingestion");
  kill("gateway");
  post_later("b");
  ask_later(count_of("u1"));
  advance(100ms);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].clicks == 1);
  advance(700ms);
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].results.at(0).code == errc::restarting);
}
