#include <catch2/catch.hpp>

#include <future>
#include <thread>

#include "actors/message_types.hpp"
#include "actors/node.hpp"
#include "db/memory/memory_cache.hpp"
#include "db/memory/memory_log.hpp"
#include "db/memory/memory_store.hpp"

using namespace footfall;
using namespace std::chrono_literals;

namespace {

struct threads_config : caf::actor_system_config {
  threads_config() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", size_t{4});
    add_messages(*this);
  }
};

/// A node on memory adapters and real threads, in real time.
struct threaded_node {
  threaded_node()
      : log(memory_log::config{}), events(memory_store::config{}), values(memory_cache::config{}) {
    plan.log = &log;
    plan.events = &events;
    plan.values = &values;
    plan.counts = &counts;
    plan.now = system_now_us;
  }
  void start() {
    door = std::make_unique<node>(system, plan);
    await([this] { return door->running(); });
  }
  template <class Condition>
  static void await(Condition holds) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!holds()) {
      if (std::chrono::steady_clock::now() > end)
        throw std::runtime_error("not in time");
      std::this_thread::sleep_for(1ms);
    }
  }
  static click_event click(const std::string& page) {
    click_event out;
    out.user_id = "u1";
    out.event_type = "click";
    out.page_url = page;
    return out;
  }
  /// Of actors that are alive, by name.
  static std::string alive() {
    std::string out;
    for (const auto& x : actor_directory::get().snapshot())
      out += x->name + ' ';
    return out;
  }

  threads_config config;
  caf::actor_system system{config};
  memory_log log;
  memory_store events;
  memory_cache values;
  metrics counts;
  node_config plan;
  std::unique_ptr<node> door;
};

} // namespace

TEST_CASE("a node that stopped has no actor left, however much was under way",
          "[actor][supervisor]") {
  for (int round = 0; round < 20; ++round) {
    threaded_node on;
    on.start();
    std::atomic<int> answers{0};
    for (int i = 0; i < 200; ++i) {
      std::vector<click_event> many;
      for (int k = 0; k < 50; ++k)
        many.push_back(threaded_node::click("/" + std::to_string(k)));
      on.door->ingest(std::move(many), [&](ingest_reply) { ++answers; });
      on.door->query({}, [&](query_answer) { ++answers; });
    }
    std::atomic<bool> listed{false};
    on.door->actors({}, [&](actors_reply) { listed = true; });
    on.door->stop();
    INFO(round);
    CHECK(on.alive() == "");
    CHECK(answers == 400);
    CHECK(listed);
    on.door.reset();
  }
}

TEST_CASE("a node stops when the last of its actors has, not before", "[actor][supervisor]") {
  threaded_node on;
  std::promise<void> entered, release;
  on.plan.partition.report = [&, held = release.get_future().share()](const std::string&) {
    entered.set_value();
    held.wait();
  };
  on.start();
  // The log loses what could not be applied: the partition stops, and says so for long.
  on.events.fail_next(errc::store_unavailable, false);
  std::promise<position> stored;
  on.door->ingest({threaded_node::click("/p")},
                  [&](ingest_reply x) { stored.set_value(x.results.at(0).pos); });
  const auto at = stored.get_future().get();
  on.log.lose(at.partition, at.offset + 1);
  REQUIRE(entered.get_future().wait_for(20s) == std::future_status::ready);
  auto stopped = std::async(std::launch::async, [&] { on.door->stop(); });
  const bool early = stopped.wait_for(300ms) == std::future_status::ready;
  CHECK_FALSE(early);
  release.set_value();
  stopped.get();
  CHECK(on.alive() == "");
}

TEST_CASE("what comes to a node that stops is refused for certain", "[actor][gateway]") {
  threaded_node on;
  on.start();
  on.door->begin_stop();
  std::promise<ingest_reply> reply;
  std::promise<query_answer> answer;
  on.door->ingest({threaded_node::click("/p")}, [&](ingest_reply x) { reply.set_value(x); });
  on.door->query({}, [&](query_answer x) { answer.set_value(x); });
  on.door->stop();
  auto refused = reply.get_future();
  auto unanswered = answer.get_future();
  REQUIRE(refused.wait_for(0s) == std::future_status::ready);
  REQUIRE(unanswered.wait_for(0s) == std::future_status::ready);
  const auto result = refused.get().results.at(0);
  CHECK(result.status == outcome::rejected);
  CHECK(result.code == errc::shutting_down);
  CHECK(unanswered.get().code == errc::shutting_down);
}
