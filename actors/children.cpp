#include "actors/children.hpp"

#include <algorithm>

#include "actors/accept/ingestion.hpp"
#include "actors/answer/cache_manager.hpp"
#include "actors/answer/query.hpp"
#include "actors/count/log_reader.hpp"
#include "actors/tend/auditor.hpp"
#include "actors/tend/inspector.hpp"
#include "actors/tend/membership.hpp"

namespace footfall {

namespace {

template <class Handle, class... Ts>
caf::strong_actor_ptr spawn_child(caf::actor_system& system, Ts&&... xs) {
  return caf::actor_cast<caf::strong_actor_ptr>(system.spawn(std::forward<Ts>(xs)...));
}

partition_config pattern_of(const children_needs& from) {
  const auto& c = *from.config;
  auto out = c.partition;
  out.partitions = c.log->partitions();
  out.events = c.events;
  out.log = c.log;
  out.counts = c.counts;
  out.now = c.now;
  out.node = from.status;
  out.pairs_left = std::make_shared<std::atomic<int64_t>>(c.pairs_max);
  out.leased = !c.node_name.empty();
  out.live_max = std::chrono::microseconds{c.ownership.live_us};
  out.live_pages_max =
      std::max<size_t>(out.live_pages_max / std::max<size_t>(out.partitions, 1), 1);
  return out;
}

} // namespace

children::children(children_needs needs) : needs_(std::move(needs)), pattern_(pattern_of(needs_)) {}

std::vector<child_spec> children::first() {
  std::vector<child_spec> out;
  const auto& roles = needs_.config->roles;
  if (needs_.config->has_store)
    out.push_back(cache_manager_child());
  if (has_role(roles, "ingest"))
    out.push_back(ingestion_child());
  if (has_role(roles, "query"))
    out.push_back(query_child());
  if (needs_.config->has_log)
    out.push_back(log_reader_child());
  for (uint32_t i = 0; i < pattern_.partitions; ++i)
    out.push_back(partition_child(i));
  if (pattern_.leased
      && needs_.config->has_store) // Behind the partitions, which are to hear of it first.
    out.push_back(ownership_child());
  if (needs_.config->links)
    out.push_back(membership_child());
  out.push_back(gateway_child());
  out.push_back(inspector_child());
  out.push_back(redriver_child());
  out.push_back(auditor_child());
  return out;
}

// They are applied as the others are. No page lives there before the next start, so that
// none has two homes.
std::vector<child_spec> children::added() {
  std::vector<child_spec> out;
  auto& parts = needs_.status->parts;
  const auto found = std::min<size_t>(needs_.config->log->partitions_found(), partition_list::most);
  while (parts.size() < found) {
    const auto number = static_cast<uint32_t>(parts.size());
    parts.grow();
    out.push_back(partition_child(number));
  }
  return out;
}

child_spec children::cache_manager_child() const {
  auto start = [c = needs_.config](caf::actor_system& s) {
    return spawn_child<cache_manager_actor>(
        s, cache_manager, cache_manager_config{c->values, c->counts, c->events->incarnation()});
  };
  auto connect = [](wiring& w, caf::strong_actor_ptr x) { w.cache = std::move(x); };
  return {"cache_manager", "", start, connect, false, true};
}

child_spec children::ingestion_child() const {
  auto start = [c = needs_.config, status = needs_.status](caf::actor_system& s) {
    return spawn_child<ingestion_actor>(
        s, ingestion,
        ingestion_config{c->log, c->counts, status, c->now, c->accept_when_stopped,
                         std::chrono::microseconds(c->lag_limit).count(), c->steady, c->traces});
  };
  auto connect = [](wiring& w, caf::strong_actor_ptr x) { w.ingestion = std::move(x); };
  return {"ingestion", "", start, connect, false};
}

child_spec children::query_child() const {
  auto start = [&needs = needs_](caf::actor_system& s) {
    query_config qc;
    qc.status = needs.status;
    qc.events = needs.config->events;
    qc.counts = needs.config->counts;
    qc.now = needs.config->now;
    qc.steady = needs.config->steady;
    qc.node = needs.config->node_name;
    qc.reads = needs.reads;
    qc.traces = needs.config->traces;
    return spawn_child<query_actor>(s, footfall::query, std::move(qc));
  };
  auto connect = [](wiring& w, caf::strong_actor_ptr x) { w.query = std::move(x); };
  return {"query", "", start, connect, true, true};
}

child_spec children::log_reader_child() const {
  auto start = [log = needs_.config->log](caf::actor_system& s) {
    return spawn_child<log_reader_actor>(s, log_reader, log_reader_config{log, {}});
  };
  auto connect = [](wiring& w, caf::strong_actor_ptr x) { w.reader = std::move(x); };
  return {"log_reader", needs_.config->log->topic(), start, connect, true};
}

child_spec children::partition_child(uint32_t number) {
  auto own = pattern_;
  own.partition = number;
  own.status = &needs_.status->parts[number];
  auto start = [own](caf::actor_system& s) {
    return spawn_child<partition_actor>(s, footfall::partition, own);
  };
  auto connect = [this, number, homes = pattern_.partitions](wiring& w, caf::strong_actor_ptr x) {
    {
      std::lock_guard<std::mutex> guard(mutex_);
      partitions_.resize(std::max<size_t>(partitions_.size(), number + 1));
      partitions_[number] = x;
    }
    auto& to = number < homes ? w.partitions : w.added_partitions;
    const size_t at = number < homes ? number : number - homes;
    if (to.size() <= at)
      to.resize(at + 1);
    to[at] = std::move(x);
  };
  return {"partition", std::to_string(number), start, connect, true, true};
}

child_spec children::ownership_child() {
  auto start = [&needs = needs_](caf::actor_system& s) {
    const auto& c = *needs.config;
    ownership_config oc;
    oc.events = c.events;
    oc.log = c.log;
    oc.counts = c.counts;
    oc.status = needs.status;
    oc.now = c.now;
    oc.steady = c.steady;
    oc.node = c.node_name;
    oc.aggregates = has_role(c.roles, "aggregate");
    oc.roles = c.roles;
    oc.address = c.address;
    oc.version = c.version;
    oc.rules = c.ownership;
    oc.batch_max = c.partition.batch_max;
    return spawn_child<ownership_actor>(s, footfall::ownership, std::move(oc));
  };
  auto connect = [keep = keep_in(ownership_)](wiring& w, caf::strong_actor_ptr x) {
    keep(w, x);
    w.ownership = std::move(x);
  };
  return {"ownership", needs_.config->node_name, start, connect, true};
}

child_spec children::membership_child() {
  auto start = [&needs = needs_](caf::actor_system& s) {
    const auto& c = *needs.config;
    membership_config mc;
    mc.links = c.links;
    mc.status = needs.status;
    mc.steady = c.steady;
    mc.version = c.version;
    mc.roles = c.roles;
    mc.log = c.has_store ? c.log->topic() : std::string{};
    if (c.report)
      mc.report = [&to = c.report](const std::string& line) { to("membership", line); };
    mc.has_store = c.has_store;
    mc.address = c.address;
    mc.seeds = c.seeds;
    mc.access = c.access;
    if (!c.has_store) // What the store numbers elsewhere: a later process has the higher number.
      mc.me = {c.node_name, c.now()};
    return spawn_child<membership_actor>(s, footfall::membership, std::move(mc));
  };
  auto connect = [keep = keep_in(membership_)](wiring& w, caf::strong_actor_ptr x) {
    keep(w, x);
    w.membership = std::move(x);
  };
  return {"membership", needs_.config->node_name, start, connect, true};
}

child_spec children::gateway_child() const {
  auto start = [&needs = needs_](caf::actor_system& s) {
    const auto& c = *needs.config;
    return spawn_child<gateway_actor>(
        s, gateway,
        gateway_config{needs.inbox, c.counts, needs.status, c.now, c.steady, c.request_timeout,
                       has_role(c.roles, "ingest"), has_role(c.roles, "query"), c.traces});
  };
  auto connect = [](wiring& w, caf::strong_actor_ptr x) { w.gateway = std::move(x); };
  return {"gateway", "", start, connect, true};
}

child_spec children::inspector_child() {
  auto start = [&needs = needs_](caf::actor_system& s) {
    auto restarts = [counts = needs.restarts](const std::string& name, const std::string& key) {
      return counts->of(name, key);
    };
    return spawn_child<inspector_actor>(
        s, footfall::inspector,
        inspector_config{needs.config->steady, restarts, needs.config->node_name, needs.status});
  };
  auto connect = [keep = keep_in(inspector_)](wiring& w, caf::strong_actor_ptr x) {
    keep(w, x);
    w.inspector = std::move(x);
  };
  return {"inspector", "", start, connect, false};
}

child_spec children::redriver_child() {
  auto start = [&needs = needs_](caf::actor_system& s) {
    return spawn_child<redriver_actor>(s, footfall::redriver,
                                       redriver_config{needs.config->events, needs.ingest});
  };
  return {"redriver", "", start, keep_in(redriver_), false};
}

child_spec children::auditor_child() {
  auto start = [c = needs_.config, status = needs_.status](caf::actor_system& s) {
    auditor_config ac;
    ac.log = c->log;
    ac.events = c->events;
    ac.status = status;
    return spawn_child<auditor_actor>(s, footfall::auditor, ac);
  };
  return {"auditor", "", start, keep_in(auditor_), true};
}

std::function<void(wiring&, caf::strong_actor_ptr)>
children::keep_in(caf::strong_actor_ptr& place) {
  return [this, &place](wiring&, caf::strong_actor_ptr x) {
    std::lock_guard<std::mutex> guard(mutex_);
    place = std::move(x);
  };
}

caf::strong_actor_ptr children::read(const caf::strong_actor_ptr& place) const {
  std::lock_guard<std::mutex> guard(mutex_);
  return place;
}

inspector_actor children::inspector() const {
  return caf::actor_cast<inspector_actor>(read(inspector_));
}

redriver_actor children::redriver() const {
  return caf::actor_cast<redriver_actor>(read(redriver_));
}

ownership_actor children::ownership() const {
  return caf::actor_cast<ownership_actor>(read(ownership_));
}

membership_actor children::membership() const {
  return caf::actor_cast<membership_actor>(read(membership_));
}

auditor_actor children::auditor() const {
  return caf::actor_cast<auditor_actor>(read(auditor_));
}

partition_actor children::partition(uint32_t number) const {
  std::lock_guard<std::mutex> guard(mutex_);
  return number < partitions_.size() ? caf::actor_cast<partition_actor>(partitions_[number])
                                     : partition_actor{};
}

void children::forget() {
  std::lock_guard<std::mutex> guard(mutex_);
  inspector_ = nullptr;
  redriver_ = nullptr;
  auditor_ = nullptr;
  ownership_ = nullptr;
  membership_ = nullptr;
  partitions_.clear();
}

} // namespace footfall
