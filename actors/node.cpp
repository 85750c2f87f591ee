#include "actors/node.hpp"

#include "actors/accept/ingestion.hpp"
#include "actors/answer/cache_manager.hpp"
#include "actors/ask_from_outside.hpp"
#include "actors/count/log_reader.hpp"
#include "actors/tend/auditor.hpp"
#include "actors/tend/inspector.hpp"
#include "actors/tend/metrics_text.hpp"
#include "actors/tend/redriver.hpp"

namespace footfall {

namespace {

constexpr auto admin_patience = std::chrono::seconds(2);
constexpr auto audit_patience = std::chrono::seconds(31 * 60);
constexpr auto redrive_patience = std::chrono::seconds(60);
constexpr int64_t gateway_beat_max_us = 5'000'000;

template <class Handle, class... Ts>
caf::strong_actor_ptr spawn_child(caf::actor_system& system, Ts&&... xs) {
  return caf::actor_cast<caf::strong_actor_ptr>(system.spawn(std::forward<Ts>(xs)...));
}

// What the store says, as the answer's `value`, or why it cannot.
template <class Answer, class T>
store::done<T> answer_with(request_handler::reply<Answer> done, T Answer::*value) {
  return [done = std::move(done), value](caf::expected<T> x) {
    Answer out;
    if (x) {
      out.*value = std::move(*x);
    } else {
      out.code = code_of(x.error());
      out.reason = text_of(x.error());
    }
    done(std::move(out));
  };
}

node_watch_config plan_watch(const node_config& from, node_status& status) {
  return {from.log,
          from.events,
          from.values,
          &status,
          std::make_shared<outcome_note>(),
          from.log_part,
          from.store_part,
          from.cache_part,
          from.partitions_hint};
}

} // namespace

node::node(caf::actor_system& system, node_config config)
    : system_(system), config_(std::move(config)), status_(config_.log->partitions()),
      watch_(plan_watch(config_, status_)),
      inbox_(std::make_shared<gateway_inbox>(config_.requests_max, config_.events_max)),
      restarts_(std::make_shared<restart_counts>()) {
  status_.gateway_beat_us = config_.now();
  supervisor_config plan;
  plan.children = children();
  plan.more = [this] { return added_partitions(); };
  plan.counts = config_.counts;
  plan.now = config_.now;
  plan.restarts = restarts_;
  supervisor_ = system_.spawn(supervisor, std::move(plan));
  auto renewed = [this, to = supervisor_](uint64_t incarnation, const std::string& seen) {
    // How old the events are that the store lacks now is known when a partition has claimed.
    for (auto& x : status_.parts)
      if (x.stopped_at_us == 0)
        x.stopped_at_us = 1;
    const auto& report = config_.report;
    if (report)
      report("the store went back, or is another one: " + seen
             + "; all that was read from it is dropped, and every partition claims and replays");
    caf::anon_send(to, atom::renewed_v, incarnation);
  };
  config_.events->on_renewal(std::move(renewed));
  // What happened before is told as well.
  caf::anon_send(supervisor_, atom::renewed_v, config_.events->incarnation());
}

node::~node() {
  stop();
  std::unique_lock<std::mutex> guard(calls_.mutex);
  calls_.none.wait(guard, [this] { return calls_.count == 0; });
}

std::vector<child_spec> node::children() {
  std::vector<child_spec> out;
  const auto c = config_;
  out.push_back({"cache_manager", "",
                 [c](caf::actor_system& s) {
                   return spawn_child<cache_manager_actor>(
                       s, cache_manager,
                       cache_manager_config{c.values, c.counts, c.events->incarnation()});
                 },
                 [](wiring& w, caf::strong_actor_ptr x) { w.cache = std::move(x); }, false, true});
  out.push_back({"ingestion", "",
                 [c, status = &status_](caf::actor_system& s) {
                   return spawn_child<ingestion_actor>(
                       s, ingestion,
                       ingestion_config{c.log, c.counts, status, c.now, c.accept_when_stopped,
                                        std::chrono::microseconds(c.lag_limit).count()});
                 },
                 [](wiring& w, caf::strong_actor_ptr x) { w.ingestion = std::move(x); }, false});
  out.push_back({"query", "",
                 [c, status = &status_, reads = watch_.config().reads](caf::actor_system& s) {
                   query_config qc;
                   qc.status = status;
                   qc.events = c.events;
                   qc.counts = c.counts;
                   qc.now = c.now;
                   qc.reads = reads;
                   return spawn_child<query_actor>(s, footfall::query, std::move(qc));
                 },
                 [](wiring& w, caf::strong_actor_ptr x) { w.query = std::move(x); }, true, true});
  out.push_back(
      {"log_reader", c.log->topic(),
       [c](caf::actor_system& s) {
         return spawn_child<log_reader_actor>(s, log_reader, log_reader_config{c.log, {}});
       },
       [](wiring& w, caf::strong_actor_ptr x) { w.reader = std::move(x); }, true});
  pattern_ = c.partition;
  pattern_.partitions = c.log->partitions();
  pattern_.events = c.events;
  pattern_.log = c.log;
  pattern_.counts = c.counts;
  pattern_.now = c.now;
  pattern_.node = &status_;
  pattern_.pairs_left = std::make_shared<std::atomic<int64_t>>(c.pairs_max);
  pattern_.live_pages_max = std::max<size_t>(pattern_.live_pages_max / pattern_.partitions, 1);
  for (uint32_t i = 0; i < pattern_.partitions; ++i)
    out.push_back(partition_child(i, status_.parts[i]));
  out.push_back({"gateway", "",
                 [c, inbox = inbox_, status = &status_](caf::actor_system& s) {
                   return spawn_child<gateway_actor>(
                       s, gateway,
                       gateway_config{inbox, c.counts, status, c.now, c.request_timeout});
                 },
                 [](wiring& w, caf::strong_actor_ptr x) { w.gateway = std::move(x); }, true});
  out.push_back({"inspector", "",
                 [c, counts = restarts_](caf::actor_system& s) {
                   auto restarts = [counts](const std::string& name, const std::string& key) {
                     return counts->of(name, key);
                   };
                   return spawn_child<inspector_actor>(s, footfall::inspector,
                                                       inspector_config{c.now, restarts});
                 },
                 [this](wiring&, caf::strong_actor_ptr x) {
                   std::lock_guard<std::mutex> guard(asked_mutex_);
                   inspector_ = std::move(x);
                 },
                 false});
  out.push_back({"redriver", "",
                 [this](caf::actor_system& s) {
                   auto door = [this](std::vector<click_event> events, ingest_done done) {
                     ingest(std::move(events), std::move(done));
                   };
                   return spawn_child<redriver_actor>(s, footfall::redriver,
                                                      redriver_config{config_.events, door});
                 },
                 [this](wiring&, caf::strong_actor_ptr x) {
                   std::lock_guard<std::mutex> guard(asked_mutex_);
                   redriver_ = std::move(x);
                 },
                 false});
  out.push_back({"auditor", "",
                 [c, status = &status_](caf::actor_system& s) {
                   auditor_config ac;
                   ac.log = c.log;
                   ac.events = c.events;
                   ac.status = status;
                   return spawn_child<auditor_actor>(s, footfall::auditor, ac);
                 },
                 [this](wiring&, caf::strong_actor_ptr x) {
                   std::lock_guard<std::mutex> guard(asked_mutex_);
                   auditor_ = std::move(x);
                 },
                 true});
  return out;
}

child_spec node::partition_child(uint32_t number, partition_status& status) {
  auto own = pattern_;
  own.partition = number;
  own.status = &status;
  auto connect = [this, number, homes = pattern_.partitions](wiring& w, caf::strong_actor_ptr x) {
    {
      std::lock_guard<std::mutex> guard(asked_mutex_);
      partitions_.resize(std::max<size_t>(partitions_.size(), number + 1));
      partitions_[number] = x;
    }
    auto& to = number < homes ? w.partitions : w.added_partitions;
    const size_t at = number < homes ? number : number - homes;
    if (to.size() <= at)
      to.resize(at + 1);
    to[at] = std::move(x);
  };
  return {"partition",
          std::to_string(number),
          [own](caf::actor_system& s) { return spawn_child<partition_actor>(s, partition, own); },
          connect,
          true,
          true};
}

// They are applied as the others are. No page lives there before the next start, so that
// none has two homes.
std::vector<child_spec> node::added_partitions() {
  std::vector<child_spec> out;
  const auto found = std::min<size_t>(config_.log->partitions_found(), partition_list::most);
  while (status_.parts.size() < found) {
    const auto number = static_cast<uint32_t>(status_.parts.size());
    out.push_back(partition_child(number, status_.parts.grow()));
  }
  return out;
}

void node::ingest(std::vector<click_event> events, ingest_done done) {
  gateway_inbox::ingest_item item{std::move(events), std::move(done)};
  if (inbox_->put(item))
    return;
  add(config_.counts->requests_overloaded);
  ingest_reply busy;
  busy.results.resize(item.events.size());
  for (size_t i = 0; i < item.events.size(); ++i) {
    auto& x = busy.results[i];
    x.status = outcome::rejected;
    x.code = errc::overloaded;
    x.event_id = std::move(item.events[i].event_id);
    x.reason = "too much is under way (max-in-flight = " + std::to_string(config_.requests_max)
               + " requests, or " + std::to_string(config_.events_max)
               + " events); nothing was stored; send it later";
  }
  item.done(std::move(busy));
}

void node::query(query_ask ask, query_done done) {
  gateway_inbox::query_item item{std::move(ask), std::move(done), false};
  if (inbox_->put(item))
    return;
  add(config_.counts->requests_overloaded);
  query_answer busy;
  busy.code = errc::overloaded;
  busy.reason = "too many requests are under way (max-in-flight = "
                + std::to_string(config_.requests_max) + "); ask again later";
  item.done(std::move(busy));
}

std::shared_ptr<void> node::watch(std::string site_id, std::string page_url, query_done update) {
  const auto ticket = next_watch_.fetch_add(1);
  gateway_inbox::query_item item{{}, std::move(update), true};
  item.ask.ticket = ticket;
  item.ask.kind = query_kind::page;
  item.ask.site_id = std::move(site_id);
  item.ask.page_url = std::move(page_url);
  if (!inbox_->put(item)) {
    query_answer busy;
    busy.code = errc::overloaded;
    busy.reason = "too many requests are under way; watch again later";
    item.done(std::move(busy));
    return nullptr;
  }
  return {nullptr, [inbox = inbox_, ticket](void*) { inbox->put_unwatch(ticket); }};
}

node_health node::health_now() const {
  node_health out;
  const auto now = config_.now();
  out.live = now - status_.gateway_beat_us < gateway_beat_max_us;
  out.draining = status_.draining;
  auto add = [](auto& to, std::string name, std::string fault) {
    to.emplace_back(std::move(name), fault.empty() ? "ok" : std::move(fault));
  };
  add(out.roles, "gateway", out.live ? "" : "the gateway does not turn");
  add(out.roles, "ingest", watch_.log_fault());
  add(out.roles, "aggregate", watch_.partitions_fault(now));
  add(out.roles, "query", watch_.store_fault(now));
  for (const auto& x : status_.parts)
    out.lags_us.push_back(x.lag_us(now));
  if (out.draining)
    add(out.roles, "node", "draining: the node stops");
  add(out.dependencies, "log", watch_.log_fault());
  add(out.dependencies, "store", watch_.store_fault(now));
  add(out.dependencies, "cache", watch_.cache_fault());
  out.ready = true;
  for (const auto& [name, state] : out.roles)
    out.ready = out.ready && state == "ok";
  return out;
}

void node::health(reply<node_health> done) {
  done(health_now());
}

std::vector<std::string> node::look() {
  return watch_.look(config_.now());
}

inspector_actor node::inspector() {
  std::lock_guard<std::mutex> guard(asked_mutex_);
  return caf::actor_cast<inspector_actor>(inspector_);
}

auditor_actor node::auditor() {
  std::lock_guard<std::mutex> guard(asked_mutex_);
  return caf::actor_cast<auditor_actor>(auditor_);
}

redriver_actor node::redriver() {
  std::lock_guard<std::mutex> guard(asked_mutex_);
  return caf::actor_cast<redriver_actor>(redriver_);
}

void node::actors(reply<actors_reply> done) {
  actors_reply late{errc::timeout, "the inspector did not answer in time; ask again", {}};
  ask_from_outside(system_, inspector(), admin_patience, std::move(done), std::move(late),
                   atom::list_v);
}

void node::actor(uint64_t id, reply<actor_detail> done) {
  actor_detail late;
  late.code = errc::timeout;
  late.reason = "the inspector did not answer in time; ask again";
  ask_from_outside(system_, inspector(), admin_patience, std::move(done), std::move(late),
                   atom::describe_v, id);
}

void node::audit(audit_ask ask, reply<audit_reply> done) {
  audit_reply late;
  late.code = errc::timeout;
  late.reason = "the audit was not finished in time";
  ask_from_outside(system_, auditor(), audit_patience, std::move(done), std::move(late),
                   atom::audit_v, ask);
}

void node::bad_events(bad_events_ask ask, reply<bad_events_reply> done) {
  config_.events->bad_events(ask, answer_with(std::move(done), &bad_events_reply::page));
}

void node::redrive(redrive_ask ask, reply<redrive_reply> done) {
  redrive_reply late;
  late.code = errc::timeout;
  late.reason = "the re-drive was not finished in time; ask again, nothing counts twice";
  ask_from_outside(system_, redriver(), redrive_patience, std::move(done), std::move(late),
                   atom::redrive_v, std::move(ask));
}

std::string node::metrics() {
  return metrics_text(*config_.counts, status_, inbox_->in_flight(), config_.now(), health_now(),
                      {{"log", config_.log_part.kind},
                       {"store", config_.store_part.kind},
                       {"cache", config_.cache_part.kind}});
}

void node::drain() {
  status_.draining = true;
}

size_t node::in_flight() const {
  return inbox_->in_flight();
}

bool node::running() const {
  for (const auto& x : status_.parts)
    if (x.phase.load() != partition_phase::running)
      return false;
  return true;
}

void node::begin_stop() {
  if (!supervisor_)
    return;
  inbox_->attach(gateway_actor{});
  config_.events->on_renewal({});
  caf::anon_send(supervisor_, atom::stop_v);
  supervisor_ = nullptr;
  std::lock_guard<std::mutex> guard(asked_mutex_);
  inspector_ = nullptr;
  redriver_ = nullptr;
  partitions_.clear();
  auditor_ = nullptr;
}

void node::stop() {
  if (!supervisor_)
    return;
  caf::scoped_actor self{system_};
  self->monitor(supervisor_);
  begin_stop();
  self->receive([](const caf::down_msg&) {});
}

} // namespace footfall
