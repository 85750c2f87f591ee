#pragma once

#include <memory>
#include <string>
#include <vector>

#include <caf/scheduler/test_coordinator.hpp>

#include "actors/message_types.hpp"
#include "actors/node.hpp"
#include "db/memory/memory_cache.hpp"
#include "db/memory/memory_log.hpp"
#include "db/memory/memory_store.hpp"

namespace footfall::test {

struct test_system_config : caf::actor_system_config {
  test_system_config() {
    set("scheduler.policy", caf::atom("testing"));
    add_messages(*this);
  }
};

/// A whole node on memory adapters, where nothing happens unless the test says so:
/// the messages run in settle(), both clocks move in advance().
class node_fixture {
public:
  explicit node_fixture(memory_store::config store_config = {}, memory_log::config log_config = {},
                        partition_config pattern = {}, bool accept_when_stopped = false,
                        std::chrono::seconds lag_limit = {})
      : system(config_), log((log_config.now = now(), log_config)), events(store_config),
        values({size_t{1} << 20, 1000, 1000, 30'000'000, steady()}) {
    plan.log = &log;
    plan.events = &events;
    plan.values = &values;
    plan.counts = &counts;
    plan.now = now();
    plan.steady = steady();
    plan.partition = pattern;
    plan.partition.steady = steady();
    plan.requests_max = 100;
    plan.accept_when_stopped = accept_when_stopped;
    plan.lag_limit = lag_limit;
    door = std::make_unique<node>(system, plan);
    settle();
    advance(std::chrono::seconds{1}); // A cache that begins takes nothing for so long.
  }

  /// Another node on the same log and store, as after a restart.
  void restart_node() {
    end_node();
    door = std::make_unique<node>(system, plan);
    settle();
  }

  /// A fixture with ports of its own ends the node before these are gone.
  void end_node() {
    if (!door)
      return;
    door->begin_stop();
    settle();
    door.reset();
  }

  ~node_fixture() { end_node(); }

  now_fn now() {
    return [this] { return time_us; };
  }
  now_fn steady() {
    return [this] { return steady_us; };
  }

  void settle() { scheduler().run(); }

  void advance(std::chrono::microseconds by) {
    // In steps: what a timer starts may set the next one.
    constexpr std::chrono::microseconds step{50'000};
    for (; by.count() > 0; by -= step) {
      const auto now = std::min(by, step);
      time_us += now.count();
      steady_us += now.count();
      scheduler().advance_time(now);
      settle();
    }
  }

  /// Ends every actor of that name as a fault would.
  void kill(const std::string& name) {
    for (const auto& entry : actor_directory::get().snapshot())
      if (entry->name == name)
        caf::anon_send_exit(caf::actor_cast<caf::actor>(entry->handle.lock()),
                            caf::exit_reason::kill);
    settle();
  }

  click_event click(std::string id, std::string user = "u1", std::string page = "/p") {
    click_event out;
    out.event_id = std::move(id);
    out.user_id = std::move(user);
    out.event_type = "click";
    out.page_url = std::move(page);
    return out;
  }

  /// The answer, once settled; empty results when there is none.
  ingest_reply post(std::vector<click_event> events_in) {
    ingest_reply out;
    door->ingest(std::move(events_in), [&out](ingest_reply x) { out = std::move(x); });
    settle();
    return out;
  }

  query_ask count_of(std::string user, std::string page = "/p") {
    query_ask out;
    out.site_id = default_site;
    out.user_id = std::move(user);
    out.page_url = std::move(page);
    return out;
  }

  query_answer ask(query_ask what) {
    query_answer out;
    out.code = errc::internal; // "No answer": not one that a query gives.
    door->query(std::move(what), [&out](query_answer x) { out = std::move(x); });
    settle();
    return out;
  }

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }

private:
  test_system_config config_;

public:
  int64_t time_us = 1'700'000'000'000'000; ///< Of the wall clock, which may be set.
  int64_t steady_us = 1'000'000;
  caf::actor_system system;
  memory_log log;
  memory_store events;
  memory_cache values;
  metrics counts;
  node_config plan;
  std::unique_ptr<node> door;
};

} // namespace footfall::test
