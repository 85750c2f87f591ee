#include "tests/nodes/faults.hpp"

#include <algorithm>

namespace footfall::nodes {

namespace {

constexpr int64_t notice_most_us = 2'500 * ms; // A link that says nothing is over by then.
constexpr int64_t fault_most_us = 6 * s;
constexpr uint64_t kills_most = 3; // Of an actor, in its process: it starts again ever later.

const std::vector<std::string> killed{"partition",  "page_aggregator", "log_reader", "ingestion",
                                      "query",      "cache_manager",   "gateway",    "membership",
                                      "membership", "ownership",       "query",      "gateway"};

} // namespace

void faults::break_something() {
  const auto x = on_.luck.below(100);
  if (x < 25)
    cut_link();
  else if (x < 35)
    hold_link();
  else if (x < 42)
    fail_dials();
  else if (x < 55)
    stop_node();
  else if (x < 70)
    harm_store();
  else if (x < 78)
    freeze_node();
  else
    kill_actor();
}

// Nothing goes over it from now on, and each end notices that by itself.
void faults::cut_link() {
  const auto all = on_.network.all_links();
  if (all.empty())
    return;
  const auto id = on_.luck.of(all);
  const auto [from, to] = on_.network.ends_of(id);
  on_.note("the link from " + from + " to " + to + " is cut");
  ++on_.counts.cuts;
  if (on_.luck.percent(40))
    return on_.network.cut(id);
  on_.network.lose(id);
  for (size_t i = 0; i < 2; ++i)
    on_.after(on_.luck.until(notice_most_us), [this, id, i, at = i == 0 ? from : to] {
      on_.note(at + " notices that its link is cut");
      on_.network.end_at(id, i);
    });
  if (on_.luck.percent(50))
    return;
  const std::pair<std::string, std::string> pair{std::min(from, to), std::max(from, to)};
  on_.network.blocked.insert(pair);
  on_.after(on_.luck.until(fault_most_us), [this, pair] { on_.network.blocked.erase(pair); });
}

void faults::hold_link() {
  const auto all = on_.network.all_links();
  if (all.empty())
    return;
  const auto id = on_.luck.of(all);
  const auto i = on_.luck.below(2);
  const auto [from, to] = on_.network.ends_of(id);
  on_.note("what " + (i == 0 ? from + " sends to " + to : to + " sends to " + from) + " waits");
  ++on_.counts.holds;
  on_.network.hold(id, i, true);
  const bool is_cut = on_.luck.percent(30);
  on_.after(on_.luck.until(1'500 * ms), [this, id, i, is_cut] {
    on_.note(is_cut ? "a link that waits is cut" : "a link goes on");
    if (is_cut)
      on_.network.lose(id);
    on_.network.hold(id, i, false);
    if (is_cut)
      on_.network.cut(id);
  });
}

void faults::fail_dials() {
  on_.note("no dial succeeds");
  on_.network.down = true;
  on_.after(on_.luck.until(fault_most_us), [this, heals = heals_] {
    if (heals == heals_)
      on_.note("dials succeed");
    on_.network.down = false;
  });
}

void faults::kill(process& x) {
  load_.forget(x);
  on_.kill(x);
}

void faults::stop_node() {
  const auto all = on_.serving();
  if (all.empty())
    return;
  auto& x = *on_.luck.of(all);
  const auto how = on_.luck.below(100);
  if (how < 35 && x.at == process::phase::running && !x.is_frozen)
    on_.leave(x);
  else
    kill(x);
  if (how > 85)
    return come_back(x.name);
  on_.after(on_.luck.until(fault_most_us), [this, name = x.name] { come_back(name); });
}

// Once the one before is no longer there, as who starts them sees to.
void faults::come_back(const std::string& name) {
  if (on_.serving(name) == nullptr)
    on_.start(name);
}

void faults::harm_store() {
  const auto all = on_.serving();
  if (all.empty())
    return;
  auto& x = *on_.luck.of(all);
  ++on_.counts.store_faults;
  const auto until = on_.luck.until(fault_most_us);
  const auto how = on_.luck.below(3);
  on_.note("node " + x.name + ": its store "
           + (how == 0   ? "is cut off"
              : how == 1 ? "is silent"
                         : "hangs in applies"));
  if (how == 0)
    x.way.cut = true;
  else if (how == 1)
    x.is_silent = true;
  else
    x.store.hang_in_applies(true);
  on_.after(until, [this, &x, how, fails = on_.luck.percent(50)] {
    on_.note("node " + x.name + ": its store is well");
    if (how == 0)
      x.way.cut = false;
    else if (how == 1)
      x.is_silent = false;
    else if (!x.is_killed)
      x.store.hang_in_applies(false, fails);
  });
}

void faults::freeze_node() {
  const auto all = on_.serving();
  if (all.empty())
    return;
  auto& x = *on_.luck.of(all);
  if (x.is_frozen)
    return;
  on_.freeze(x, true);
  on_.after(on_.luck.until(fault_most_us), [this, &x] { on_.freeze(x, false); });
}

void faults::kill_actor() {
  const auto all = on_.serving();
  if (all.empty())
    return;
  auto& x = *on_.luck.of(all);
  const auto& name = on_.luck.of(killed);
  if (x.is_frozen || x.kills_of[name] >= kills_most || !on_.kill_actor(x, name))
    return;
  on_.note("node " + x.name + ": a " + name + " is killed");
}

void faults::heal() {
  on_.note("all faults have ended");
  ++heals_;
  on_.pass_all_due();
  on_.network.down = false;
  on_.network.blocked.clear();
  for (const auto& x : on_.processes) {
    x->log_works.plan.on = x->store_works.plan.on = false;
    if (x->serves())
      on_.freeze(*x, false);
  }
  on_.wires.plan.on = false;
  on_.ports.on = false;
  for (const auto& name : on_.names)
    if (!on_.serving(name) && (on_.serving().empty() || on_.luck.percent(80)))
      on_.start(name);
}

} // namespace footfall::nodes
