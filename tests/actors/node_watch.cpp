// What the node says about what it stands on, second by second.
#include <catch2/catch.hpp>

#include "actors/tend/node_watch.hpp"
#include "db/memory/memory_cache.hpp"
#include "db/memory/memory_log.hpp"
#include "db/memory/memory_store.hpp"

using namespace footfall;

namespace {

constexpr int64_t second = 1'000'000;

struct watch_fixture {
  watch_fixture()
      : log(memory_log::config{}), events(memory_store::config{}), values(memory_cache::config{}) {
    node_watch_config plan;
    plan.log = &log;
    plan.events = &events;
    plan.values = &values;
    plan.status = &status;
    plan.store_part.hint = "look at the store";
    plan.partitions_hint = "look at the actors";
    watch = std::make_unique<node_watch>(std::move(plan));
    for (auto& part : status.parts)
      part.phase = partition_phase::running;
  }

  /// Seconds with one look each, after `each`.
  template <class F>
  void pass(int seconds, F each) {
    for (int i = 0; i < seconds; ++i) {
      now += second;
      each();
      for (auto& line : watch->look(now))
        lines.push_back(std::move(line));
    }
  }
  void pass(int seconds) {
    pass(seconds, [] {});
  }

  std::string fault() { return watch->partitions_fault(now); }

  node_status status{4};
  memory_log log;
  memory_store events;
  memory_cache values;
  std::unique_ptr<node_watch> watch;
  int64_t now = 1000 * second;
  std::vector<std::string> lines;
};

} // namespace

TEST_CASE_METHOD(watch_fixture, "a node that works says nothing", "[actor][node_watch]") {
  pass(200, [this] {
    for (auto& part : status.parts)
      part.raise_log_end(++part.next_offset + 100); // Far behind, and moving.
  });
  CHECK(lines.empty());
  CHECK(fault() == "");
}

TEST_CASE_METHOD(watch_fixture, "partitions that stand still with work to do are not ready",
                 "[actor][node_watch]") {
  status.parts[1].raise_log_end(7);
  status.parts[3].raise_log_end(9);
  pass(5);
  CHECK(fault() == "");
  pass(1);
  CHECK(fault() == "partitions 1, 3: nothing was applied for 5 s while 7 records wait");
  pass(3);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("applying fails: partitions 1, 3: nothing was applied for ") == 0);
  CHECK(lines[0].find("; look at the actors") != std::string::npos);
  status.parts[1].next_offset = 7;
  status.parts[3].next_offset = 9;
  pass(5);
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].find("applying works again") == 0);
  CHECK(fault() == "");
}

TEST_CASE_METHOD(watch_fixture, "an apply that fails is told though claims work in between",
                 "[actor][node_watch]") {
  status.parts[0].raise_log_end(1);
  for (int i = 0; i < 10; ++i)
    pass(2, [this] { status.parts[0].applies.failed(now, "permission denied"); });
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("applying fails: partition 0: permission denied") == 0);
  CHECK(fault().find("permission denied") != std::string::npos);
  pass(120, [this] { status.parts[0].applies.failed(now, "permission denied"); });
  CHECK(lines.size() == 3);
  status.parts[0].next_offset = 1;
  status.parts[0].applies.well(++now);
  pass(10);
  CHECK(lines.size() == 4);
  CHECK(fault() == "");
}

TEST_CASE_METHOD(watch_fixture, "a fold that fails is told", "[actor][node_watch]") {
  pass(10, [this] {
    status.parts[2].applies.well(now);
    status.parts[2].folds.failed(now, "timeout");
  });
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("partition 2: timeout") != std::string::npos);
}

TEST_CASE_METHOD(watch_fixture, "the store is asked when nobody else asks it",
                 "[actor][node_watch]") {
  for (int i = 0; i < 4; ++i)
    events.fail_next(errc::store_unavailable);
  pass(16);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0] == "the store fails: planned by the test; look at the store");
  CHECK(watch->store_fault(now) != "");
  CHECK(fault().find("planned by the test") != std::string::npos);
  // While the store is away, that its partitions fail is no further news.
  pass(3, [this] { status.parts[0].applies.failed(now, "cannot apply"); });
  CHECK(lines.size() == 1);
  status.parts[0].applies.well(++now);
  pass(20);
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].find("the store works again") == 0);
}

TEST_CASE_METHOD(watch_fixture, "a partition that stopped is recalled each minute",
                 "[actor][node_watch]") {
  status.parts[2].set_why_stopped(stop_kind::records_lost, "records 3 to 5 are missing");
  status.parts[2].phase = partition_phase::stopped;
  pass(59);
  CHECK(lines.empty()); // It said so itself.
  CHECK(fault() == "partition 2 stopped: records 3 to 5 are missing");
  pass(122);
  CHECK(lines.size() == 3);
  CHECK(lines[0].find("partition 2 stopped: records 3 to 5 are missing") != std::string::npos);
}

TEST_CASE_METHOD(watch_fixture, "partitions that nobody takes over are told",
                 "[actor][node_watch]") {
  for (auto& part : status.parts)
    part.phase = partition_phase::claiming;
  pass(1);
  CHECK(fault() == "partitions 0, 1, 2, 3: starting");
  pass(9);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("partitions 0, 1, 2, 3: not taken over for ") != std::string::npos);
}
