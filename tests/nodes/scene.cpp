#include "tests/nodes/scene.hpp"

#include <algorithm>
#include <array>

#include "actors/ports/leases.hpp"

namespace footfall::nodes {

namespace {

constexpr int64_t begin_us = 3 * s;
constexpr int64_t settle_most_us = 40 * s;

} // namespace

void scene::play() {
  run();
  if (!here.is_wrong())
    settle();
  if (!here.is_wrong())
    check_store();
  if (!here.is_wrong())
    check_answers();
  if (!here.is_wrong())
    check_actors();
  here.counts.runs = 1;
}

void scene::run() {
  here.rest();
  if (here.luck.percent(80))
    wait(begin_us);
  const auto steps = 20 + here.luck.below(40);
  const auto trouble = static_cast<uint32_t>(5 + here.luck.below(20));
  constexpr std::array<int64_t, 8> waits{0,        0,        1 * ms,   20 * ms,
                                         100 * ms, 300 * ms, 600 * ms, 1'500 * ms};
  for (size_t i = 0; i < steps && !here.is_wrong(); ++i) {
    const auto all = here.serving();
    if (here.luck.percent(trouble) || all.empty()) {
      faults_.break_something();
    } else {
      auto& at = *here.luck.of(all);
      const auto x = here.luck.below(100);
      if (x < 40)
        load_.post(at);
      else if (x < 85)
        load_.ask(at);
      else if (x < 96)
        load_.start_watch(at);
      else
        load_.stop_watch();
    }
    wait(waits[here.luck.below(waits.size())]);
  }
}

// In steps: what a timer starts may set the next one.
void scene::wait(int64_t us) {
  if (here.luck.percent(60))
    here.rest();
  else
    here.turn(here.luck.below(40));
  while (us > 0 && !here.is_wrong()) {
    const auto now = std::min<int64_t>(us, us > 100 * ms ? 50 * ms : 10 * ms);
    here.pass(now);
    if (here.luck.percent(95))
      here.rest();
    else
      here.turn(here.luck.below(10));
    load_.look_for_late();
    for (const auto& x : here.processes)
      if (x->at == process::phase::ended && !x->is_killed)
        load_.check_ended(*x);
    us -= now;
  }
}

uint64_t scene::field_of(process& of, const std::string& actor, const std::string& field) {
  uint64_t out = 0;
  for (const auto& entry : here.actors_of(of))
    if (entry->name == actor)
      of.door->actor("", entry->id, [&](const actor_detail& x) {
        for (const auto& y : x.fields)
          if (y.name == field)
            out += std::stoull(y.value);
      });
  here.rest();
  return out;
}

std::string scene::unsettled_partitions() {
  auto all = here.serving();
  std::erase_if(all, [](const auto* x) { return !has_role(x->plan.roles, "aggregate"); });
  std::map<uint32_t, std::string> runs;
  for (auto* x : all) {
    size_t own = 0;
    x->door->partitions([&](const partitions_reply& reply) {
      for (const auto& row : reply.rows)
        if (row.state != "idle") {
          ++own;
          auto& at = runs[row.partition];
          at +=
              (at.empty() ? "" : ", ") + x->name + (row.state == "running" ? "" : " " + row.state);
        }
    });
    here.rest();
    if (own < here.partitions / all.size() || own > (here.partitions - 1) / all.size() + 1)
      return "node " + x->name + " has " + std::to_string(own) + " of "
             + std::to_string(here.partitions) + " partitions, and there are "
             + std::to_string(all.size()) + " nodes";
  }
  for (uint32_t i = 0; i < here.partitions; ++i)
    if (runs[i].size() != 1)
      return "partition " + std::to_string(i) + " is at: " + runs[i];
  return {};
}

std::string scene::unsettled() {
  const auto all = here.serving();
  for (const auto& x : here.processes)
    if (x->at == process::phase::ending || x->at == process::phase::leaving)
      return "process " + std::to_string(x->number) + " is still there";
  for (auto* x : all) {
    if (!x->door->replaced().empty())
      return "node " + x->name + " is told to end: " + x->door->replaced();
    if (!x->door->running())
      return "node " + x->name + " does not run";
    const auto open = load_.open_at(*x) + load_.watches_at(*x);
    if (x->door->in_flight() != open)
      return "node " + x->name + " has " + std::to_string(x->door->in_flight())
             + " requests in flight, and clients wait for " + std::to_string(open);
    if (load_.open_at(*x) != 0)
      return "node " + x->name + " has requests without an answer";
    node_health seen;
    x->door->health([&seen](node_health y) { seen = std::move(y); });
    std::erase_if(seen.members, [](const auto& y) { return y.state != "live"; });
    if (seen.members.size() != all.size())
      return "node " + x->name + " sees " + std::to_string(seen.members.size()) + " nodes";
    for (const auto& y : seen.members)
      if (!y.self && y.link != "up")
        return "node " + x->name + " has no link to " + y.name + ": " + y.link_fault;
  }
  if (here.network.links() != all.size() * (all.size() - 1) / 2)
    return "there are " + std::to_string(here.network.links()) + " links";
  for (const auto& x : here.rows.states())
    if (x.next_offset != here.records.end_of(x.partition) || x.folded_offset != x.next_offset)
      return "partition " + std::to_string(x.partition) + " is applied to "
             + std::to_string(x.next_offset) + " and folded to " + std::to_string(x.folded_offset)
             + " of " + std::to_string(here.records.end_of(x.partition));
  if (!load_.are_told(false))
    return "a watch was not told the last count";
  return unsettled_partitions();
}

void scene::settle() {
  faults_.heal();
  here.rest();
  const auto began = here.steady_us;
  std::string why = "?";
  while (!here.is_wrong() && !why.empty()) {
    const auto all = here.serving();
    const auto& first = here.names.front();
    if (std::none_of(all.begin(), all.end(), [&](const auto* x) { return x->name == first; }))
      here.start(first); // It was leaving, and has what others may lack.
    here.pass(50 * ms);
    here.rest();
    load_.look_for_late();
    if (here.is_wrong() || here.steady_us - began < 2 * s)
      continue; // A cache that begins takes nothing for a second.
    why = unsettled();
    if (!why.empty() && here.steady_us - began > settle_most_us) {
      load_.are_told(true);
      here.wrong("it does not settle: " + why);
    }
  }
  here.note("settled");
}

void scene::check_store() {
  std::map<std::string, uint64_t> counted;
  for (const auto& [where, x] : here.rows.rows()) {
    ++counted[x.event.event_id];
    const auto at = here.records.events.find(where);
    if (at == here.records.events.end() || at->second.event_id != x.event.event_id
        || at->second.page_url != x.event.page_url || at->second.user_id != x.event.user_id)
      here.wrong("what is counted at " + to_string(position{where.first, where.second})
                 + " is not what the log has there");
  }
  for (const auto& [where, x] : here.records.events)
    if (counted[x.event_id] != 1)
      here.wrong(x.event_id + " stands at " + to_string(position{where.first, where.second})
                 + " and counts " + std::to_string(counted[x.event_id]) + " times");
  std::map<std::string, uint64_t> written;
  for (const auto& [where, x] : here.records.events)
    ++written[x.event_id];
  for (const auto& [id, x] : load_.known().all_attempts())
    if (x.posted != x.accepted + x.unknown + x.rejected || written[id] < x.accepted
        || written[id] > x.accepted + x.unknown)
      here.wrong(id + " was posted " + std::to_string(x.posted) + " times, accepted "
                 + std::to_string(x.accepted) + ", unknown " + std::to_string(x.unknown)
                 + ", rejected " + std::to_string(x.rejected) + ", and stands in the log "
                 + std::to_string(written[id]) + " times");
}

// Twice, as the first answers stay in the caches.
void scene::check_answers() {
  const auto counting = here.serving();
  const bool counters_answer = std::all_of(counting.begin(), counting.end(), [](const auto* x) {
    return has_role(x->plan.roles, "query") || !has_role(x->plan.roles, "aggregate");
  });
  for (int round = 0; round < 2; ++round)
    for (auto* at : here.serving())
      for (const auto& page : pages)
        for (size_t i = 0; i <= users.size() && !here.is_wrong(); ++i) {
          query_ask ask;
          ask.kind = i == 0 ? query_kind::page : query_kind::count;
          ask.site_id = default_site;
          ask.page_url = page;
          ask.user_id = i == 0 ? "" : users[i - 1];
          const auto x = load_.ask_now(*at, ask);
          const auto due = load_.known().committed({page, ask.user_id});
          if (!here.is_wrong() && (x.code != errc::none || x.clicks != due))
            here.wrong("settled: " + text_of(ask) + " at node " + at->name + " is answered "
                       + text_of(x) + ", and " + std::to_string(due) + " are counted");
          if (!here.is_wrong() && round == 1 && i == 0 && due > 0 && counters_answer
              && x.source == answer_source::store)
            here.wrong("settled: " + text_of(ask) + " at node " + at->name
                       + " is not answered from memory: " + text_of(x));
        }
}

void scene::check_actors() {
  size_t watches = 0;
  uint64_t open_queries = 0;
  for (auto* x : here.serving()) {
    watches += load_.watches_at(*x);
    open_queries += field_of(*x, "query", "open");
    const auto ingests = field_of(*x, "gateway", "ingests_open");
    const auto queries = field_of(*x, "gateway", "queries_open");
    const auto watched = field_of(*x, "gateway", "watches");
    if (ingests != 0 || queries != 0 || watched != load_.watches_at(*x))
      here.wrong("settled: the GATEWAY of node " + x->name + " has " + std::to_string(ingests)
                 + " posts, " + std::to_string(queries) + " questions and "
                 + std::to_string(watched) + " watches open");
    if (const auto restarts = x->counters.actor_restarts.load(); restarts > x->kills)
      here.wrong("node " + x->name + " started " + std::to_string(restarts)
                 + " actors again, and only " + std::to_string(x->kills) + " were killed");
  }
  if (open_queries != watches)
    here.wrong("settled: " + std::to_string(open_queries) + " questions and watches are open at "
               + "the QUERYs, and clients have " + std::to_string(watches) + " watches");
}

} // namespace footfall::nodes
