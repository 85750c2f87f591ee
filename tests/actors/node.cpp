#include <catch2/catch.hpp>

#include "tests/support/deterministic.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

SCENARIO_METHOD(node_fixture, "an event goes through every actor once", "[actor][node]") {
  GIVEN("three posts of two events, one of them twice") {
    auto first = post({click("a"), click("b", "u2")});
    auto again = post({click("a")});
    REQUIRE(first.results.size() == 2);
    CHECK(first.results[0].status == outcome::accepted);
    CHECK(again.results.at(0).status == outcome::accepted);
    CHECK(again.results[0].pos.offset > first.results[0].pos.offset);
    WHEN("the partition has applied them") {
      advance(50ms);
      THEN("each is counted once, first from the store, then from the cache") {
        auto answer = ask(count_of("u1"));
        CHECK(answer.clicks == 1);
        CHECK(answer.source == answer_source::store);
        CHECK(ask(count_of("u1")).source == answer_source::cache);
        CHECK(ask(count_of("u1")).clicks == 1);
        CHECK(counts.events_duplicate == 1);
      }
      THEN("the page aggregator answers for the page") {
        auto page = count_of("");
        page.kind = query_kind::page;
        auto answer = ask(page);
        CHECK(answer.clicks == 2);
        CHECK(answer.users == 2);
        REQUIRE(answer.rows.size() == 1);
        CHECK(answer.rows[0].name == "click");
        CHECK(answer.minutes.size() == 60);
        CHECK(answer.minutes.back() == 2);
        CHECK(ask(page).source == answer_source::actor);
      }
      THEN("a new click moves the cached count on") {
        ask(count_of("u1"));
        ask(count_of("u1"));
        post({click("c")});
        advance(50ms);
        auto answer = ask(count_of("u1"));
        CHECK(answer.clicks == 2);
      }
    }
  }
}

SCENARIO_METHOD(node_fixture, "the gateway refuses and expires", "[actor][gateway]") {
  GIVEN("an event that nobody can store") {
    auto reply = post({click("x", ""), click("y")});
    THEN("it alone is rejected, with a reason") {
      REQUIRE(reply.results.size() == 2);
      CHECK(reply.results[0].status == outcome::rejected);
      CHECK(reply.results[0].reason.find("user_id") == 0);
      CHECK(reply.results[1].status == outcome::accepted);
    }
  }
  GIVEN("a log whose disk is full") {
    log.fail_next(errc::disk_full);
    auto reply = post({click("x")});
    THEN("the event is rejected, not unknown") {
      CHECK(reply.results.at(0).status == outcome::rejected);
      CHECK(reply.results[0].code == errc::disk_full);
    }
  }
  GIVEN("a log that fails one of its partitions") {
    log.fail_next(errc::disk_full);
    std::vector<outcome> seen;
    for (const char* page : {"/p", "/q", "/p"}) // Gathered: they come before the actor turns.
      door->ingest({click("", "u1", page)},
                   [&](ingest_reply x) { seen.push_back(x.results.at(0).status); });
    settle();
    THEN("the requests for another are not concerned") {
      CHECK(std::count(seen.begin(), seen.end(), outcome::rejected) == 2);
      CHECK(std::count(seen.begin(), seen.end(), outcome::accepted) == 1);
    }
  }
  GIVEN("as many requests under way as are allowed") {
    size_t answered = 0;
    for (int i = 0; i < 100; ++i)
      door->ingest({click("e" + std::to_string(i))}, [&](ingest_reply) { ++answered; });
    THEN("one more is rejected at once, and the others are answered") {
      outcome status = outcome::unknown;
      door->ingest({click("more")}, [&](ingest_reply x) { status = x.results.at(0).status; });
      CHECK(status == outcome::rejected);
      settle();
      CHECK(answered == 100);
      CHECK(door->in_flight() == 0);
    }
  }
}

SCENARIO_METHOD(node_fixture, "a client reads its own writes", "[actor][query]") {
  auto reply = post({click("a")});
  auto question = count_of("u1");
  question.after = {reply.results.at(0).pos};
  GIVEN("a position that is applied") {
    advance(50ms);
    CHECK(ask(question).clicks == 1);
  }
  GIVEN("a position that nobody has written yet") {
    advance(50ms);
    question.after[0].offset += 1000;
    query_answer answer;
    answer.code = errc::internal;
    door->query(question, [&](query_answer x) { answer = std::move(x); });
    settle();
    CHECK(answer.code == errc::internal);
    WHEN("the wait is over") {
      advance(3s);
      THEN("the answer names the position reached") {
        CHECK(answer.code == errc::position_not_reached);
        REQUIRE(answer.reached.size() == 1);
        CHECK(answer.reached[0] == reply.results[0].pos);
      }
    }
  }
  GIVEN("many that waited in vain") {
    advance(50ms);
    auto far = question;
    far.after[0].offset += 1'000'000;
    for (int turn = 0; turn < 150; ++turn) { // As many as may wait, and half as many again.
      for (int i = 0; i < 100; ++i)
        door->query(far, [](query_answer) {});
      settle();
      advance(2s);
    }
    THEN("the next is answered all the same, in time and too late") {
      CHECK(ask(question).clicks == 1);
      post({click("b")});
      query_answer answer;
      door->query(far, [&](query_answer x) { answer = std::move(x); });
      advance(3s);
      CHECK(answer.code == errc::position_not_reached);
    }
  }
  GIVEN("a partition that does not exist") {
    question.after[0].partition = 77;
    CHECK(ask(question).code == errc::invalid_argument);
  }
}

SCENARIO_METHOD(node_fixture, "questions that are the same are asked once", "[actor][query]") {
  post({click("a")});
  advance(1s);
  std::vector<uint64_t> told;
  for (int i = 0; i < 50; ++i)
    door->query(count_of("u1"), [&](query_answer x) { told.push_back(x.clicks); });
  settle();
  CHECK(told == std::vector<uint64_t>(50, 1));
  CHECK(counts.queries_merged == 49);
}

SCENARIO_METHOD(node_fixture, "a watch tells each change", "[actor][watch]") {
  std::vector<uint64_t> seen;
  auto token = door->watch(default_site, "/p", [&](query_answer x) { seen.push_back(x.clicks); });
  settle();
  REQUIRE(!seen.empty());
  CHECK(seen.back() == 0);
  advance(300ms);
  post({click("a")});
  advance(500ms);
  CHECK(seen.back() == 1);
  WHEN("it is given up") {
    token.reset();
    settle();
    const auto before = seen.size();
    post({click("b")});
    advance(2s);
    THEN("nothing more is told") {
      CHECK(seen.size() == before);
      CHECK(door->in_flight() == 0);
    }
  }
}

SCENARIO_METHOD(node_fixture, "the inspector shows every actor", "[actor][inspector]") {
  post({click("a")});
  advance(50ms);
  std::vector<actor_row> rows;
  door->actors({}, [&](actors_reply x) { rows = std::move(x.rows); });
  settle();
  auto named = [&](const std::string& name) {
    return std::count_if(rows.begin(), rows.end(), [&](const auto& x) { return x.name == name; });
  };
  for (auto name : {"supervisor", "gateway", "ingestion", "log_reader", "cache_manager", "query",
                    "inspector", "page_aggregator"}) {
    INFO(name);
    CHECK(named(name) == 1);
  }
  CHECK(named("partition") == 4);
  for (const auto& row : rows)
    if (row.name == "page_aggregator") {
      actor_detail detail;
      door->actor("", row.id, [&](actor_detail x) { detail = std::move(x); });
      settle();
      CHECK(detail.code == errc::none);
      const auto& fields = detail.fields;
      auto clicks = std::find_if(fields.begin(), fields.end(),
                                 [](const auto& x) { return x.name == "clicks"; });
      REQUIRE(clicks != fields.end());
      CHECK(clicks->value == "1");
      CHECK(row.parent != 0);
    }
}
