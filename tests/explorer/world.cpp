#include "tests/explorer/world.hpp"

#include <algorithm>
#include <array>

namespace footfall::explorer {

namespace {

constexpr size_t turns_most = 200'000;

template <class T, size_t N>
T drawn(chance& luck, const std::array<T, N>& from) {
  return from[luck.below(N)];
}

} // namespace

world::world(uint64_t seed)
    : luck(seed), records(plan_log()), values({size_t{1} << 20, 1000, 1000, 30'000'000, steady()}) {
  works.plan.failed = drawn<uint32_t>(luck, std::array{0u, 2u, 5u, 10u});
  works.plan.lost = drawn<uint32_t>(luck, std::array{0u, 2u, 5u, 10u});
  works.plan.slow = drawn<uint32_t>(luck, std::array{0u, 20u, 50u, 90u});
  works.plan.delay_most_us =
      drawn<int64_t>(luck, std::array<int64_t, 4>{2000, 50'000, 400'000, 2'000'000});
  plan_node();
  start_node();
}

memory_log::config world::plan_log() {
  memory_log::config out;
  out.partitions = static_cast<uint32_t>(1 + luck.below(3));
  out.retains = retains_ = luck.percent(60);
  out.overtaken_most = std::chrono::seconds(10); // More than an append has, in plan_node().
  out.now = now();
  return out;
}

void world::plan_node() {
  using std::chrono::milliseconds;
  plan.log = &log;
  plan.events = &store;
  plan.values = &cache;
  plan.counts = &counters;
  plan.now = now();
  plan.steady = steady();
  plan.requests_max = 100;
  plan.request_timeout = milliseconds(luck.percent(50) ? 500 : 5000);
  plan.lag_limit = std::chrono::seconds(luck.percent(10) ? 1 : 0);
  plan.report = [this](const char*, const std::string& line) { note(line); };
  auto& own = plan.partition;
  own.steady = steady();
  own.batch_max = drawn<size_t>(luck, std::array<size_t, 3>{1, 3, 5000});
  own.gather = milliseconds(drawn(luck, std::array{0, 5, 40}));
  own.fold_every = milliseconds(drawn(luck, std::array{10, 100, 250}));
  own.fold_max = drawn<size_t>(luck, std::array<size_t, 2>{2, fold_records_max});
  own.fold_step = drawn<size_t>(luck, std::array<size_t, 2>{1, fold_records_max});
  own.look_every = milliseconds(drawn(luck, std::array{0, 300}));
  own.live_pages_max = drawn<size_t>(luck, std::array<size_t, 3>{1, 6, 10'000});
  own.users_per_page_max = drawn<uint32_t>(luck, std::array<uint32_t, 3>{1, 2, 100'000});
  own.passivate_after = std::chrono::seconds(drawn(luck, std::array{1, 300}));
  own.report = [this](const std::string& line) { note(line); };
}

size_t world::turn(size_t most) {
  auto& jobs = scheduler().jobs;
  for (size_t i = 0; i < most; ++i) {
    const auto all = jobs.size() + works.due();
    if (all == 0)
      return i;
    const auto pick = luck.below(all);
    if (pick < jobs.size()) {
      const auto at = jobs.begin() + static_cast<std::ptrdiff_t>(pick);
      std::rotate(jobs.begin(), at, at + 1);
      scheduler().run_once();
    } else {
      works.run(pick - jobs.size());
    }
    ++counts.turns;
    if (front)
      front->turn();
  }
  return most;
}

bool world::rest() {
  if (turn(turns_most) < turns_most)
    return true;
  wrong("there is no end of messages while the clock stands still");
  return false;
}

void world::pass(int64_t us) {
  time_us += us;
  steady_us += us;
  scheduler().advance_time(std::chrono::microseconds(us));
}

void world::start_node() {
  door = std::make_unique<node>(system, plan);
  front = std::make_unique<front_door>(*door);
}

void world::end_node() {
  door->drain();
  log.drain();
  rest();
  finish_node();
}

void world::crash_node() {
  front.reset();
  log.crash();
  finish_node();
}

void world::finish_node() {
  door->begin_stop();
  rest();
  // A page that is watched ends with its timer.
  for (int i = 0; i < 40 && !actor_directory::get().snapshot().empty(); ++i) {
    pass(50'000);
    rest();
  }
  front.reset();
  const auto left = actor_directory::get().snapshot();
  for (const auto& x : left)
    wrong("the node has ended, and a " + x->name + " (" + x->read().key + ", " + x->read().state
          + ") has not");
  if (left.empty())
    door.reset();
  else
    static_cast<void>(door.release()); // It would wait for them.
}

bool world::kill(const std::string& name) {
  std::vector<caf::strong_actor_ptr> all;
  for (const auto& entry : actor_directory::get().snapshot())
    if (entry->name == name)
      if (auto handle = entry->handle.lock())
        all.push_back(std::move(handle));
  if (all.empty())
    return false;
  caf::anon_send_exit(caf::actor_cast<caf::actor>(luck.of(all)), caf::exit_reason::kill);
  ++counts.kills;
  children_killed_ += name == "page_aggregator" ? 0 : 1;
  return true;
}

} // namespace footfall::explorer
