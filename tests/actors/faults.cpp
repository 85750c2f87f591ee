#include <catch2/catch.hpp>

#include "actors/model/record.hpp"
#include "tests/actors/asked.hpp"
#include "tests/support/deterministic.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

SCENARIO_METHOD(node_fixture, "a partition survives its store", "[actor][partition]") {
  post({click("a")});
  advance(50ms);
  REQUIRE(clicks_of_page(*this) == 1);
  GIVEN("an apply that failed and did nothing") {
    events.fail_next(errc::store_unavailable, false);
    post({click("b")});
    advance(5s);
    THEN("it is applied again, once") {
      CHECK(clicks_of_page(*this) == 2);
    }
  }
  GIVEN("an apply whose reply was lost") {
    events.fail_next(errc::store_unavailable, true);
    post({click("b")});
    advance(5s);
    THEN("it counts once, live and stored") {
      CHECK(clicks_of_page(*this) == 2);
      CHECK(ask(count_of("u1")).clicks == 2);
      post({click("c")});
      advance(1s);
      CHECK(clicks_of_page(*this) == 3);
    }
  }
  GIVEN("another owner that took the partition over") {
    for (uint32_t i = 0; i < 4; ++i)
      events.claim(i, [](caf::expected<partition_claim>) {});
    post({click("b")});
    advance(5s);
    THEN("the old owner has no effect until it has claimed again") {
      CHECK(counts.partitions_fenced == 1);
      CHECK(clicks_of_page(*this) == 2);
    }
  }
}

SCENARIO_METHOD(node_fixture, "poison goes to bad_events and blocks nothing",
                "[actor][partition]") {
  log.append({{0, "k", "not a record"}, {0, "k", ""}}, [](std::vector<append_outcome>) {});
  log.append({{0, "k", std::string(40'000, 'x')}}, [](std::vector<append_outcome>) {});
  post({click("a"), click("b", "u1", "/q"), click("c", "u1", "/r"), click("d", "u1", "/s")});
  advance(1s);
  bad_event_page bad;
  events.bad_events({}, [&](caf::expected<bad_event_page> x) { bad = std::move(*x); });
  CHECK(bad.rows.size() == 3);
  CHECK(counts.events_applied == 4);
}

SCENARIO_METHOD(node_fixture, "a restarted actor takes up where the last one was",
                "[actor][supervisor]") {
  post({click("a")});
  advance(50ms);
  for (auto name : {"partition", "log_reader", "ingestion", "query", "cache_manager", "gateway",
                    "inspector", "redriver"}) {
    GIVEN(std::string("a killed ") + name) {
      kill(name);
      advance(2s);
      THEN("events are counted, once, as before") {
        auto reply = post({click("b")});
        REQUIRE(reply.results.size() == 1);
        CHECK(reply.results[0].status == outcome::accepted);
        advance(2s);
        CHECK(clicks_of_page(*this) == 2);
        CHECK(ask(count_of("u1")).clicks == 2);
        CHECK(counts.actor_restarts >= 1);
      }
    }
  }
}

struct small_table_fixture : node_fixture {
  static partition_config pattern() {
    partition_config out;
    out.live_pages_max = 8;
    return out;
  }
  small_table_fixture() : node_fixture({}, {}, pattern()) {}
};

SCENARIO_METHOD(small_table_fixture, "live pages are bounded and come back exact",
                "[actor][page]") {
  for (int i = 0; i < 100; ++i)
    post({click("e" + std::to_string(i), "u1", "/" + std::to_string(i))});
  advance(1s);
  CHECK(counts.pages_live <= 8);
  for (int i = 0; i < 100; ++i)
    CHECK(clicks_of_page(*this, ("/" + std::to_string(i)).c_str()) == 1);
  CHECK(counts.pages_live <= 8);
  post({click("more", "u1", "/7")});
  advance(1s);
  CHECK(clicks_of_page(*this, "/7") == 2);
  CHECK(clicks_of_page(*this, "/unknown") == 0);
}

struct few_users_fixture : node_fixture {
  static partition_config pattern() {
    partition_config out;
    out.users_per_page_max = 1;
    return out;
  }
  few_users_fixture() : node_fixture({}, {}, pattern()) {}
};

SCENARIO_METHOD(few_users_fixture, "a page with too many users leaves no old count in the cache",
                "[actor][page]") {
  post({click("a", "u1"), click("b", "u2"), click("c", "u3")});
  advance(1s);
  REQUIRE(ask(count_of("u1")).clicks == 1);
  REQUIRE(ask(count_of("u1")).source == answer_source::cache);
  post({click("d", "u1")});
  advance(50ms);
  CHECK(ask(count_of("u1")).clicks == 2);
  auto page = count_of("");
  page.kind = query_kind::page;
  CHECK(ask(page).users == 3);
  page.kind = query_kind::users;
  auto users = ask(page);
  REQUIRE(users.rows.size() == 3);
  CHECK(users.rows[0].name == "u1");
  CHECK(users.rows[1].name == "u2");
}

struct gap_fixture : node_fixture {
  gap_fixture() : node_fixture({}, {}, pattern(*this)) {}
  static partition_config pattern(gap_fixture& me) {
    partition_config out;
    out.report = [&me](const std::string& line) { me.said.push_back(line); };
    return out;
  }
  std::string aggregate_role() {
    std::string out;
    door->health([&out](node_health x) {
      for (const auto& [name, state] : x.roles)
        if (name == "aggregate")
          out = state;
    });
    return out;
  }
  std::vector<std::string> said;
};

SCENARIO_METHOD(gap_fixture, "a partition that stops says why where people look",
                "[actor][partition]") {
  CHECK(aggregate_role() == "ok");
  events.fail_next(errc::store_unavailable, false);
  const auto lost = post({click("a")}).results.at(0).pos;
  log.applied(lost.partition, lost.offset + 1); // The log drops what was not applied.
  advance(5s);
  const auto who = "partition " + std::to_string(lost.partition) + " stopped: ";
  CHECK(counts.partitions_stopped == 1);
  REQUIRE(said.size() == 1);
  CHECK(said[0].find(who) == 0);
  CHECK(said[0].size() > who.size());
  CHECK(aggregate_role().find(said[0]) == 0);
}

SCENARIO_METHOD(node_fixture, "partitions that the log gets later are applied",
                "[actor][partition]") {
  const auto first = post({click("a")}).results.at(0).pos;
  advance(1s);
  log.add_partition();
  log.add_partition();
  for (uint32_t partition : {4u, 5u}) {
    auto other = click("other " + std::to_string(partition));
    other.site_id = default_site;
    other.at_us = time_us;
    log.append({{partition, "k", model::encode_record(other, time_us)}}, [](auto) {});
  }
  advance(3s);
  CHECK(clicks_of_page(*this) == 3);
  CHECK(lag_of(*this, {5, 0}) == 0);
  CHECK(door->running());
  auto after = count_of("u1");
  after.after = {{4, 0}, {5, 0}};
  CHECK(ask(after).clicks == 3);
  // Events that are posted stay where they are read by all nodes, and pages where they live.
  for (int i = 0; i < 50; ++i)
    CHECK(post({click("more" + std::to_string(i), "u1", "/" + std::to_string(i))})
              .results.at(0)
              .pos.partition
          < 4);
  GIVEN("one of them that dies") {
    kill("partition");
    post({click("b")});
    auto other = click("c");
    other.site_id = default_site;
    other.at_us = time_us;
    log.append({{5, "k", model::encode_record(other, time_us)}}, [](auto) {});
    advance(3s);
    CHECK(clicks_of_page(*this) == 5);
  }
  CHECK(first.partition < 4);
}

SCENARIO_METHOD(node_fixture, "the lag grows while the store is away", "[actor][partition]") {
  const auto first = post({click("a")}).results.at(0).pos;
  advance(1s);
  CHECK(lag_of(*this, first) == 0);
  for (int i = 0; i < 50; ++i)
    events.fail_next(errc::store_unavailable, false);
  post({click("b"), click("c")});
  advance(1s);
  post({click("d"), click("e"), click("f")});
  advance(1s);
  CHECK(lag_of(*this, first) == 5);
  advance(200s);
  CHECK(lag_of(*this, first) == 0);
}

struct few_pages_fixture : node_fixture {
  static partition_config pattern() {
    partition_config out;
    out.live_pages_max = 4;
    return out;
  }
  few_pages_fixture() : node_fixture({}, {}, pattern()) {
    for (int i = 0; i < pages; ++i)
      post({click("first" + std::to_string(i), "u1", page(i))});
    advance(2s);
    for (int i = 0; i < pages; ++i)
      check(i, 1, "");
    for (int i = 0; i < pages; ++i)
      check(i, 1, "cache");
  }

  static constexpr int pages = 40;
  static constexpr int last = pages - 1; // Not live: there was no room.
  static std::string page(int i) { return "/" + std::to_string(i); }
  void check(int i, uint64_t clicks, const std::string& source) {
    INFO(page(i));
    const auto answer = ask(count_of("u1", page(i)));
    CHECK(answer.clicks == clicks);
    if (!source.empty())
      CHECK(to_string(answer.source) == source);
  }
};

SCENARIO_METHOD(few_pages_fixture, "no old count stays in the cache", "[actor][partition]") {
  GIVEN("an apply whose reply is lost, of a page that is not live") {
    events.fail_next(errc::store_unavailable, true);
    post({click("second", "u1", page(last))});
    advance(1s);
    check(last, 2, "store");
  }
  GIVEN("a fold whose reply is lost, of a page that is not live") {
    events.fail_next(errc::none);
    post({click("second", "u1", page(last))});
    events.fail_next(errc::store_unavailable, true);
    advance(2s);
    check(last, 2, "store");
  }
  GIVEN("a record in another partition than that of its page") {
    auto foreign = click("second", "u1", page(last));
    foreign.site_id = default_site;
    foreign.at_us = time_us;
    const auto record = model::encode_record(foreign, time_us);
    const auto home = model::partition_of(model::record_key(default_site, page(last)), 4);
    log.append({{(home + 1) % 4, "k", record}}, [](std::vector<append_outcome>) {});
    advance(1s);
    check(last, 2, "store");
  }
  GIVEN("a cache manager that starts again") {
    kill("cache_manager");
    advance(3s);
    check(last, 1, "store");
    check(last, 1, "cache");
  }
}

struct slow_store_fixture : node_fixture {
  static partition_config pattern() {
    partition_config out;
    out.live_pages_max = 4;
    return out;
  }
  slow_store_fixture() : node_fixture({"memory", true}, {}, pattern()) { answer(); }

  /// Lets the store answer what it was asked, and what is asked then.
  void answer() {
    while (events.release() > 0)
      settle();
  }
  void click_on(int from, int until, const std::string& id) {
    std::vector<click_event> out;
    for (int i = from; i < until; ++i)
      out.push_back(click(id + std::to_string(i), "u1", "/" + std::to_string(i)));
    post(std::move(out));
    advance(50ms);
  }
  uint64_t clicks_on(int page) {
    query_answer out;
    door->query(count_of("u1", "/" + std::to_string(page)), [&](query_answer x) { out = x; });
    settle();
    answer();
    return out.clicks;
  }
};

SCENARIO_METHOD(slow_store_fixture,
                "a click that comes while a fold is under way leaves no old "
                "count in the cache",
                "[actor][partition]") {
  constexpr int pages = 40;
  click_on(0, pages, "first");
  for (int i = 0; i < 20; ++i) {
    answer();
    advance(50ms);
  }
  for (int i = 0; i < pages; ++i)
    REQUIRE(clicks_on(i) == 1);
  GIVEN("clicks that are applied, and others whose apply is answered after the fold began") {
    click_on(0, pages / 2, "second");
    answer();
    click_on(pages / 2, pages, "second");
    advance(500ms);
    REQUIRE(events.waiting() > 4);
    WHEN("all is folded") {
      for (int i = 0; i < 20; ++i) {
        answer();
        advance(50ms);
      }
      THEN("each count has both clicks") {
        for (int i = 0; i < pages; ++i) {
          INFO(i);
          CHECK(clicks_on(i) == 2);
        }
      }
    }
  }
}

SCENARIO_METHOD(node_fixture, "a live page tells a cache manager that started again",
                "[actor][page]") {
  post({click("a")});
  advance(1s);
  REQUIRE(clicks_of_page(*this) == 1);
  kill("cache_manager");
  advance(3s);
  REQUIRE(ask(count_of("u1")).clicks == 1);
  REQUIRE(ask(count_of("u1")).source == answer_source::cache);
  post({click("b")});
  advance(1s);
  CHECK(ask(count_of("u1")).clicks == 2);
}

SCENARIO_METHOD(slow_store_fixture, "a question outlives the page that it was asked of",
                "[actor][query]") {
  click_on(0, 1, "first");
  answer();
  advance(1s);
  answer();
  kill("page_aggregator");
  auto question = count_of("", "/0");
  question.kind = query_kind::page;
  query_answer told;
  told.code = errc::internal;
  door->query(question, [&told](query_answer x) { told = std::move(x); });
  settle();
  kill("page_aggregator"); // The question waits there for the load of the page.
  for (int i = 0; i < 40; ++i) {
    answer();
    advance(50ms);
  }
  answer();
  CHECK(told.code == errc::none);
  CHECK(told.clicks == 1);
}
