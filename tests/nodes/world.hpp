#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/explorer/folded_store.hpp"
#include "tests/explorer/history.hpp"
#include "tests/nodes/process.hpp"
#include "tests/support/deterministic.hpp"

namespace footfall::nodes {

using explorer::chance;

constexpr int64_t ms = 1'000;
constexpr int64_t s = 1'000'000;

/// What runs did, for the last lines. Plain numbers: it goes through a pipe.
struct tally : explorer::tally {
  uint64_t watches = 0;
  uint64_t updates = 0;
  uint64_t remote = 0; ///< Answers that one node gave to another.
  uint64_t live = 0;   ///< Answers from memory, each checked.
  uint64_t afters = 0; ///< Questions with a position.
  uint64_t failed = 0; ///< Answers without counts.
  uint64_t cuts = 0;
  uint64_t holds = 0;
  uint64_t node_kills = 0;
  uint64_t node_stops = 0;
  uint64_t leaves = 0;
  uint64_t store_faults = 0;

  void add(const tally& x);
};

/// Two or three whole nodes on one log and one store, with links that go wrong. Nothing
/// happens but in turn() and pass(), and the seed says in which order.
class world {
public:
  explicit world(uint64_t seed);

  /// One message of an actor, one work of a port or one parcel of a link after the other, so
  /// many at most, each time one of all that could be next. @returns how many there were.
  size_t turn(size_t most);
  /// All that can be done without the clock; false when it does not end.
  bool rest();
  /// The clock moves on: timers run out, works come due.
  void pass(int64_t us);
  /// Does something when its time has come, also when all faults have ended.
  void after(int64_t us, std::function<void()> what) { due_.emplace(steady_us + us, what); }

  void pass_all_due(); ///< What after() has, at once.

  process& start(const std::string& name);
  /// As by kill -9.
  void kill(process& x);
  /// Asked to end: it leaves, and stops when nobody waits for it.
  void leave(process& x);
  /// Ends one actor of that name as a fault would. False: there is none.
  bool kill_actor(process& x, const std::string& name);
  void freeze(process& x, bool on);

  /// Those that run or leave.
  std::vector<process*> serving() const;
  process* serving(const std::string& name) const;
  process* at_address(const std::string& address) const;
  std::vector<actor_entry_ptr> actors_of(const process& x) const;

  /// The same number for every process that has the partition of the page.
  uint32_t home_of(const std::string& page) const;

  void note(std::string line) { said.note(time_us, std::move(line)); }
  void wrong(std::string what) { said.wrong(time_us, std::move(what)); }
  bool is_wrong() const { return !said.what_is_wrong().empty(); }
  now_fn now() {
    return [this] { return time_us; };
  }
  now_fn steady() {
    return [this] { return steady_us; };
  }

  int64_t steady_us = 1'000'000;
  int64_t time_us = 1'700'000'000'000'000;
  int64_t silent_us = 0; ///< When somebody last waited for one who says nothing, steady.
  chance luck;
  tally counts;
  explorer::history said;
  bool shows_messages = false; ///< Those that go over links stand in the history, too.
  explorer::fault_plan ports;  ///< Of the log and the store, at each node.

private:
  test::test_system_config config_;

public:
  caf::actor_system system{config_};
  uint32_t partitions = 4;
  std::vector<std::string> names;           ///< Of all nodes, running or not.
  std::map<std::string, std::string> roles; ///< Of each of them.
  common_log records;
  explorer::folded_store rows{now()};
  test::shared_rows leases{rows, steady(), 0, {}, {}};
  std::map<place, int64_t> committed_us; ///< When each row of the store was.
  test::fake_network network{system};
  explorer::agenda wires{luck, time_us, counts};
  std::vector<std::unique_ptr<process>> processes; ///< All that ever were.

private:
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }
  void plan_node(process& x);
  void begin_end(process& x);
  void go_on_with_ends();
  void note_commits();
  bool is_frozen(const caf::resumable* job) const;

  std::multimap<int64_t, std::function<void()>> due_;
  std::set<caf::actor_id> frozen_;
};

} // namespace footfall::nodes
