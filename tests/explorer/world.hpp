#pragma once

#include <memory>
#include <string>

#include "tests/explorer/agenda.hpp"
#include "tests/explorer/front_door.hpp"
#include "tests/explorer/history.hpp"
#include "tests/explorer/uncertain_cache.hpp"
#include "tests/explorer/uncertain_log.hpp"
#include "tests/explorer/uncertain_store.hpp"
#include "tests/support/deterministic.hpp"

namespace footfall::explorer {

/// A whole node on ports that go wrong. Nothing happens but in turn() and pass(), and the
/// seed says in which order.
class world {
public:
  explicit world(uint64_t seed);

  /// One message of an actor or one work of a port after the other, so many at most, each
  /// time one of all that could be next. @returns how many there were.
  size_t turn(size_t most);
  /// All that can be done without the clock; false when it does not end.
  bool rest();
  /// The clock moves on: timers run out, works come due.
  void pass(int64_t us);

  void start_node();
  /// Asked to end: what waits for the log is written first.
  void end_node();
  /// As by kill -9: some of what waits for the log is written, and nobody is told.
  void crash_node();
  /// Ends one actor of that name as a fault would. False: there is none.
  bool kill(const std::string& name);

  now_fn now() {
    return [this] { return time_us; };
  }
  bool retains() const { return retains_; }
  void note(std::string line) { said.note(time_us, std::move(line)); }
  void wrong(std::string what) { said.wrong(time_us, std::move(what)); }
  bool is_wrong() const { return !said.what_is_wrong().empty(); }

  now_fn steady() {
    return [this] { return steady_us; };
  }
  /// Of those whom the supervisor starts again.
  uint64_t children_killed() const { return children_killed_; }
  int64_t steady_us = 1'000'000;
  int64_t time_us = 1'700'000'000'000'000;
  chance luck;
  tally counts;
  history said;
  agenda works{luck, time_us, counts};

private:
  test::test_system_config config_;
  bool retains_ = false; ///< The log keeps what is applied.
  uint64_t children_killed_ = 0;

public:
  caf::actor_system system{config_};
  memory_log records;
  folded_store rows{now()};
  memory_cache values;
  uncertain_log log{records, works};
  uncertain_store store{rows, works};
  uncertain_cache cache{values, works};
  metrics counters;
  node_config plan;
  std::unique_ptr<node> door;
  std::unique_ptr<front_door> front;

private:
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }
  memory_log::config plan_log();
  void plan_node();
  void finish_node();
};

} // namespace footfall::explorer
