#include "tests/nodes/world.hpp"

#include <algorithm>
#include <array>

#include "actors/model/record.hpp"

namespace footfall::nodes {

namespace {

constexpr size_t turns_most = 200'000;
constexpr int64_t leave_most_us = 10 * s; // As long as a process that ends waits for it.

template <class T, size_t N>
T drawn(chance& luck, const std::array<T, N>& from) {
  return from[luck.below(N)];
}

const auto* const all_roles = "gateway,ingest,aggregate,query";

} // namespace

void tally::add(const tally& x) {
  explorer::tally::add(x);
  watches += x.watches;
  updates += x.updates;
  remote += x.remote;
  live += x.live;
  afters += x.afters;
  failed += x.failed;
  cuts += x.cuts;
  holds += x.holds;
  node_kills += x.node_kills;
  node_stops += x.node_stops;
  leaves += x.leaves;
  store_faults += x.store_faults;
}

world::world(uint64_t seed)
    : luck(seed), partitions(static_cast<uint32_t>(2 + luck.below(3))), records(partitions, now()) {
  ports.failed = drawn<uint32_t>(luck, std::array{0u, 0u, 1u, 3u});
  ports.lost = drawn<uint32_t>(luck, std::array{0u, 0u, 1u, 3u});
  ports.slow = drawn<uint32_t>(luck, std::array{0u, 20u, 50u});
  ports.delay_most_us = drawn<int64_t>(luck, std::array<int64_t, 3>{5 * ms, 50 * ms, 400 * ms});
  wires.plan.slow = drawn<uint32_t>(luck, std::array{0u, 10u, 50u, 90u});
  wires.plan.delay_most_us =
      drawn<int64_t>(luck, std::array<int64_t, 4>{1 * ms, 20 * ms, 200 * ms, 900 * ms});
  network.later = [this](uint32_t lane, test::fake_network::work what) {
    wires.later(std::move(what), lane);
  };
  leases.is_gone = [this](const owner_id& x) {
    for (const auto& y : processes)
      if (y->name == x.node && y->serves() && y->door)
        return false; // Its row is of it, or of one before that has lost its connection.
    return true;
  };
  names = luck.percent(50) ? std::vector<std::string>{"a", "b"}
                           : std::vector<std::string>{"a", "b", "c"};
  const std::array<std::string, 5> some{"gateway", "gateway,query", "gateway,ingest",
                                        "gateway,aggregate", "gateway,ingest,aggregate"};
  for (const auto& name : names) // The first has all of them, so that each is there.
    roles[name] =
        name != names.front() && luck.percent(20) ? drawn<std::string>(luck, some) : all_roles;
  for (const auto& name : names)
    start(name);
}

void world::plan_node(process& x) {
  using std::chrono::milliseconds;
  auto& plan = x.plan;
  plan.log = &x.log;
  plan.events = &x.store;
  plan.values = &x.values;
  plan.counts = &x.counters;
  plan.now = now();
  plan.steady = steady();
  plan.requests_max = 1000;
  plan.request_timeout = milliseconds(5000);
  plan.node_name = x.name;
  plan.roles = roles[x.name];
  plan.address = x.address;
  plan.links = &x.links;
  plan.report = [this, name = x.name](const char*, const std::string& line) {
    note(name + " says: " + line);
  };
  auto& own = plan.partition;
  own.steady = steady();
  own.passivate_after = std::chrono::seconds(300);
  own.report = [told = plan.report](const std::string& line) { told("partition", line); };
}

process& world::start(const std::string& name) {
  const auto number = processes.size() + 1;
  processes.push_back(std::make_unique<process>(name, number, luck, time_us, counts, steady(),
                                                records, leases, network));
  auto& x = *processes.back();
  x.log_works.plan = x.store_works.plan = ports;
  x.since_us = steady_us;
  plan_node(x);
  std::set<std::shared_ptr<census>> known;
  for (const auto& entry : actor_directory::get().snapshot())
    known.insert(entry->counted_in);
  x.door = std::make_unique<node>(system, x.plan);
  note("node " + name + " starts as process " + std::to_string(number));
  while (!x.actors && turn(1) == 1)
    for (const auto& entry : actor_directory::get().snapshot())
      if (known.count(entry->counted_in) == 0)
        x.actors = entry->counted_in;
  return x;
}

bool world::is_frozen(const caf::resumable* job) const {
  const auto* actor = dynamic_cast<const caf::abstract_actor*>(job);
  return actor && frozen_.count(actor->id()) != 0;
}

size_t world::turn(size_t most) {
  auto& jobs = scheduler().jobs;
  std::vector<explorer::agenda*> agendas;
  for (size_t i = 0; i < most && !is_wrong(); ++i) {
    std::vector<size_t> ready;
    if (!frozen_.empty()) {
      for (size_t j = 0; j < jobs.size(); ++j)
        if (!is_frozen(jobs[j]))
          ready.push_back(j);
    }
    const auto ready_jobs = frozen_.empty() ? jobs.size() : ready.size();
    auto all = ready_jobs;
    agendas.clear();
    for (const auto& x : processes)
      if (x->serves()) {
        agendas.push_back(&x->log_works);
        if (!x->is_silent)
          agendas.push_back(&x->store_works);
      }
    agendas.push_back(&wires);
    for (auto* x : agendas)
      all += x->due();
    if (all == 0)
      return i;
    auto pick = luck.below(all);
    if (pick < ready_jobs) {
      const auto at =
          jobs.begin() + static_cast<std::ptrdiff_t>(frozen_.empty() ? pick : ready[pick]);
      std::rotate(jobs.begin(), at, at + 1);
      scheduler().run_once();
    } else {
      pick -= ready_jobs;
      for (auto* x : agendas) {
        const auto due = x->due();
        if (pick < due) {
          x->run(pick);
          break;
        }
        pick -= due;
      }
      note_commits();
    }
    ++counts.turns;
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
  go_on_with_ends();
  if (network.is_silent() || std::any_of(processes.begin(), processes.end(), [](const auto& x) {
        return x->is_silent || x->is_frozen;
      }))
    silent_us = steady_us;
  for (const auto& x : processes)
    if (x->is_silent || x->is_frozen)
      x->silent_us = steady_us;
  time_us += us;
  steady_us += us;
  scheduler().advance_time(std::chrono::microseconds(us));
  while (!due_.empty() && due_.begin()->first <= steady_us) {
    const auto what = due_.begin()->second;
    due_.erase(due_.begin());
    what();
  }
}

void world::pass_all_due() {
  for (auto& [when, what] : std::exchange(due_, {}))
    what();
}

void world::note_commits() {
  if (rows.rows().size() == committed_us.size())
    return;
  for (const auto& [where, x] : rows.rows())
    committed_us.emplace(where, time_us);
}

void world::begin_end(process& x) {
  x.at = process::phase::ending;
  x.since_us = steady_us;
  x.door->begin_stop();
}

void world::kill(process& x) {
  note("node " + x.name + " is killed");
  ++counts.node_kills;
  freeze(x, false);
  x.is_killed = true;
  x.log_works.cut_lane(explorer::agenda::log_lane);
  x.links.end();
  begin_end(x);
}

void world::leave(process& x) {
  note("node " + x.name + " leaves");
  ++counts.leaves;
  x.at = process::phase::leaving;
  x.since_us = steady_us;
  x.door->drain();
  x.door->leave();
}

void world::go_on_with_ends() {
  for (const auto& x : processes) {
    if (x->at == process::phase::leaving
        && (x->door->has_left() || steady_us - x->since_us > leave_most_us)) {
      note("node " + x->name + (x->door->has_left() ? " has left" : " has not left in time"));
      begin_end(*x);
    }
    if (x->at != process::phase::ending || !scheduler().jobs.empty())
      continue;
    if (!actors_of(*x).empty()) {
      // A page that is watched ends with its timer.
      if (steady_us - x->since_us > 10 * s)
        wrong("process " + std::to_string(x->number) + " has ended, and a "
              + actors_of(*x).front()->name + " of it has not");
      continue;
    }
    x->door.reset();
    x->links.end();
    x->at = process::phase::ended;
  }
}

bool world::kill_actor(process& x, const std::string& name) {
  std::vector<caf::strong_actor_ptr> all;
  for (const auto& entry : actors_of(x))
    if (entry->name == name)
      if (auto handle = entry->handle.lock())
        all.push_back(std::move(handle));
  if (all.empty())
    return false;
  caf::anon_send_exit(caf::actor_cast<caf::actor>(luck.of(all)), caf::exit_reason::kill);
  ++counts.kills;
  ++x.kills_of[name];
  x.kills += name == "page_aggregator" ? 0 : 1;
  x.query_ends += name == "query" || name == "gateway" ? 1 : 0;
  return true;
}

void world::freeze(process& x, bool on) {
  if (std::exchange(x.is_frozen, on) == on)
    return;
  counts.node_stops += on ? 1 : 0;
  note("node " + x.name + (on ? " is stopped" : " goes on"));
  x.frozen_us += on ? -steady_us : steady_us;
  for (const auto& entry : actors_of(x))
    if (on)
      frozen_.insert(entry->id);
    else
      frozen_.erase(entry->id);
}

std::vector<process*> world::serving() const {
  std::vector<process*> out;
  for (const auto& x : processes)
    if (x->serves())
      out.push_back(x.get());
  return out;
}

process* world::serving(const std::string& name) const {
  for (auto* x : serving())
    if (x->name == name)
      return x;
  return nullptr;
}

process* world::at_address(const std::string& address) const {
  for (const auto& x : processes)
    if (x->address == address)
      return x.get();
  return nullptr;
}

std::vector<actor_entry_ptr> world::actors_of(const process& x) const {
  std::vector<actor_entry_ptr> out;
  for (auto& entry : actor_directory::get().snapshot())
    if (entry->counted_in == x.actors)
      out.push_back(entry);
  return out;
}

uint32_t world::home_of(const std::string& page) const {
  return model::partition_of(model::record_key(default_site, page), partitions);
}

} // namespace footfall::nodes
