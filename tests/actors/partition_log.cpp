#include <catch2/catch.hpp>

#include "tests/actors/asked.hpp"
#include "tests/actors/log_fixture.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

SCENARIO_METHOD(log_fixture, "a log that was made anew stops what was applied from the old one",
                "[actor][partition]") {
  for (int i = 0; i < 6; ++i)
    REQUIRE(post_one("old" + std::to_string(i)).status == outcome::accepted);
  REQUIRE(clicks() == 6);
  REQUIRE(row().state == "running");
  const bool is_named = GENERATE(true, false);
  const bool is_longer = GENERATE(true, false);
  const std::string how = is_named ? "log=other" : "log=memory";
  // While no partition reads, as when the node is down.
  kill("log_reader");
  log.make_anew(how);
  append_of_others(is_longer ? 9 : 3);
  restart();
  const auto stopped = row();
  CHECK(stopped.state == "stopped");
  CHECK(stopped.stopped
        == (is_named || is_longer ? stop_kind::other_log : stop_kind::log_too_short));
  CHECK(stopped.why.find("--new-generation") != std::string::npos);
  CHECK(stopped.next_offset == 6);
  CHECK(clicks() == 6);

  WHEN("events come for it") {
    const auto refused = post_one("refused");
    THEN("they are refused with the reason, and nothing is stored") {
      CHECK(refused.status == outcome::rejected);
      CHECK(refused.code == errc::partition_stopped);
      CHECK(is_retryable(refused.code));
      CHECK(refused.event_id == "refused");
      CHECK(refused.reason.find(stopped.why) != std::string::npos);
      CHECK(row().log_end == (is_longer ? 9 : 3));
    }
  }
  WHEN("the node starts again") {
    restart();
    THEN("the reason is the same") {
      CHECK(row().state == "stopped");
      CHECK(row().why == stopped.why);
    }
  }
  WHEN("somebody would skip") {
    THEN("that does not help, and nothing is done") {
      CHECK(skip(home("/p"), 7).code == errc::invalid_argument);
      CHECK(row().next_offset == 6);
    }
  }
  WHEN("a new generation begins") {
    CHECK(new_generation().code == errc::none);
    THEN("all of both logs counts once, at once") {
      CHECK(row().state == "running");
      CHECK(clicks() == (is_longer ? 15u : 9u));
      CHECK(post_one("old3").status == outcome::accepted);
      CHECK(post_one("more").status == outcome::accepted);
      CHECK(clicks() == (is_longer ? 16u : 10u));
      restart();
      CHECK(row().state == "running");
      CHECK(clicks() == (is_longer ? 16u : 10u));
    }
  }
}

SCENARIO_METHOD(log_fixture, "a stopped partition stops no other one", "[actor][partition]") {
  const auto bad = page_of(1), good = page_of(2);
  REQUIRE(post_one("a", bad).status == outcome::accepted);
  REQUIRE(post_one("b", good).status == outcome::accepted);
  log.cut(1, 0);
  log.make_anew("log=memory"); // Its first offset is 0 again.
  std::vector<log_record> records{{2, "k", "x"}};
  kill("log_reader");
  log.append(records, [](std::vector<append_outcome>) {});
  restart();
  REQUIRE(row(1).state == "stopped");
  REQUIRE(row(3).state == "running");
  auto both = post({click("c", "u1", bad), click("d", "u1", page_of(3))});
  CHECK(both.results.at(0).code == errc::partition_stopped);
  CHECK(both.results.at(1).status == outcome::accepted);
}

SCENARIO_METHOD(looking_fixture, "a running node notices that the log is another",
                "[actor][partition]") {
  REQUIRE(post_one("a").status == outcome::accepted);
  advance(10s);
  REQUIRE(row().state == "running");
  log.make_anew("log=other");
  advance(4s);
  CHECK(row().state == "stopped");
  CHECK(row().stopped == stop_kind::other_log);
}

struct retaining_fixture : log_fixture {
  retaining_fixture() : log_fixture(3s, false, true) {}
};

SCENARIO_METHOD(retaining_fixture, "a log that was made anew and is longer already is noticed",
                "[actor][partition]") {
  for (int i = 0; i < 3; ++i)
    REQUIRE(post_one("old" + std::to_string(i)).status == outcome::accepted);
  advance(10s);
  log.make_anew("log=memory");
  append_of_others(9); // Read from offset 3 on, before anybody looks.
  settle();
  REQUIRE(row().next_offset == 9);
  advance(4s);
  CHECK(row().state == "stopped");
  CHECK(row().stopped == stop_kind::other_log);
  CHECK(new_generation().code == errc::none);
  CHECK(clicks() == 12);
}

SCENARIO_METHOD(looking_fixture, "looking disturbs nothing", "[actor][partition]") {
  for (int i = 0; i < 200; ++i) {
    REQUIRE(post({click("e" + std::to_string(i))}).results.at(0).status == outcome::accepted);
    advance(100ms);
  }
  CHECK(clicks() == 200);
  CHECK(counts.partitions_stopped == 0);
  CHECK(counts.partitions_fenced == 0);
}

SCENARIO_METHOD(log_fixture, "records that are lost are skipped by a person, and written down",
                "[actor][partition]") {
  REQUIRE(post_one("a").status == outcome::accepted);
  events.fail_next(errc::store_unavailable, false);
  const auto partition = home("/p");
  post({click("b"), click("c")});
  log.lose(partition, 3); // Offsets 1 and 2 were not applied.
  advance(5s);
  REQUIRE(row().state == "stopped");
  REQUIRE(row().stopped == stop_kind::records_lost);
  CHECK(row().why.find("records 1 to 2 are gone") != std::string::npos);
  CHECK(post_one("d").code == errc::partition_stopped);

  CHECK(skip(partition, 1).code == errc::invalid_argument); // Not behind where it stands.
  CHECK(skip(partition, 2).code == errc::invalid_argument); // Before the log begins.
  CHECK(skip(partition, 4).code == errc::invalid_argument); // Beyond its end.
  CHECK(skip(9, 3).code == errc::not_found);
  CHECK(row().next_offset == 1);
  const auto done = skip(partition, 3);
  CHECK(done.code == errc::none);
  CHECK(done.reason.find("offsets 1 to 2") != std::string::npos);
  CHECK(row().state == "running");
  CHECK(row().next_offset == 3);

  bad_event_page bad;
  events.bad_events({}, [&](caf::expected<bad_event_page> x) { bad = std::move(*x); });
  REQUIRE(bad.rows.size() == 1);
  CHECK(bad.rows[0].pos == position{partition, 1});
  CHECK(bad.rows[0].reason.find("records 1 to 2 (2)") != std::string::npos);
  CHECK(post_one("d").status == outcome::accepted);
  CHECK(clicks() == 2);
  CHECK(skip(partition, 5).code == errc::not_found); // It runs.
  CHECK(new_generation().code == errc::not_found);
}

SCENARIO_METHOD(log_fixture, "a store that fails leaves a skip undone", "[actor][partition]") {
  REQUIRE(post_one("a").status == outcome::accepted);
  events.fail_next(errc::store_unavailable, false);
  post({click("b")});
  log.lose(home("/p"), 2);
  advance(5s);
  REQUIRE(row().state == "stopped");
  events.fail_next(errc::store_unavailable, false);
  CHECK(skip(home("/p"), 2).code == errc::store_unavailable);
  CHECK(row().state == "stopped");
  CHECK(skip(home("/p"), 2).code == errc::none);
  CHECK(row().state == "running");
}

struct accepting_fixture : log_fixture {
  accepting_fixture() : log_fixture(0ms, true) {}
};

SCENARIO_METHOD(accepting_fixture, "a node may be told to accept for stopped partitions",
                "[actor][ingestion]") {
  REQUIRE(post_one("a").status == outcome::accepted);
  log.make_anew("log=other");
  restart();
  REQUIRE(row().state == "stopped");
  CHECK(post_one("b").status == outcome::accepted);
  CHECK(clicks() == 1);
  restart();
  CHECK(row().state == "stopped"); // Also when the log is as long again.
  REQUIRE(new_generation().code == errc::none);
  CHECK(clicks() == 2);
}

namespace {

/// The log answers when the test lets it.
struct slow_fixture : node_fixture {
  slow_fixture() : node_fixture({}, slow()) {
    while (log.release() > 0)
      settle();
  }
  static memory_log::config slow() {
    memory_log::config out;
    out.manual = true;
    return out;
  }
};

} // namespace

SCENARIO_METHOD(slow_fixture, "a node that begins tells what waits before it has read it",
                "[actor][partition]") {
  std::vector<log_record> records;
  for (int i = 0; i < 3; ++i) {
    auto event = click("e" + std::to_string(i));
    event.site_id = default_site;
    event.at_us = time_us;
    records.push_back({log_fixture::home("/p"), "k", model::encode_record(event, time_us)});
  }
  log.append(std::move(records), [](std::vector<append_outcome>) {});
  restart_node();
  log.release(log.waiting()); // The looks; what is read then waits.
  settle();
  const position at{log_fixture::home("/p"), 0};
  REQUIRE(door->running());
  CHECK(lag_of(*this, at) == 3);
  while (log.release() > 0)
    settle();
  CHECK(lag_of(*this, at) == 0);
}
