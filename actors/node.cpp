#include "actors/node.hpp"

#include <algorithm>

#include "actors/ask_from_outside.hpp"

namespace footfall {

namespace {

constexpr auto admin_patience = std::chrono::seconds(2);
constexpr auto audit_patience = std::chrono::seconds(31 * 60);
constexpr auto redrive_patience = std::chrono::seconds(60);
constexpr int64_t gateway_beat_max_us = 5'000'000;

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

const char* name_of(sight x) {
  return x == sight::live ? "live" : x == sight::late ? "late" : "gone";
}

const char* name_of(log_reach x) {
  return x == log_reach::works ? "works" : x == log_reach::fails ? "fails" : "lost";
}

void add_members(node_health& to, const node_status::cluster_view& from,
                 const std::vector<link_status>& links) {
  for (const auto& x : from.seen.nodes)
    to.members.push_back({x.id.node,
                          x.id.incarnation,
                          x.id == from.me,
                          name_of(x.seen),
                          x.aggregates,
                          x.draining,
                          name_of(x.log),
                          {},
                          x.roles,
                          x.address,
                          x.version,
                          {},
                          {}});
  for (const auto& link : links) {
    auto at = std::find_if(to.members.begin(), to.members.end(),
                           [&](const auto& x) { return x.name == link.node; });
    if (at == to.members.end()) { // A gateway without a store, or a seed that leads nowhere.
      cluster_member unlisted;
      unlisted.name = link.node;
      unlisted.incarnation = link.incarnation;
      unlisted.state = link.up ? name_of(sight::live) : name_of(sight::gone);
      unlisted.log = name_of(log_reach::works);
      unlisted.roles = link.roles;
      unlisted.version = link.version;
      at = to.members.insert(at, std::move(unlisted));
    }
    at->link = link.up ? "up" : "down";
    at->link_fault = link.up ? "" : link.why;
  }
  for (const auto& row : from.seen.partitions) {
    auto* list = &to.unowned;
    for (auto& x : to.members)
      if (x.name == row.owner.node && x.incarnation == row.owner.incarnation)
        list = &x.partitions;
    list->push_back(row.partition);
  }
}

query_answer no_answer(errc code, std::string reason) {
  query_answer out;
  out.code = code;
  out.reason = std::move(reason);
  return out;
}

void refuse_at_end(gateway_inbox::ingest_item& x) {
  x.done(all_rejected(x.events, errc::shutting_down,
                      "the node stops; nothing was stored; send it again later"));
}

void refuse_at_end(gateway_inbox::query_item& x) {
  x.done(no_answer(errc::shutting_down, "the node stops; ask again elsewhere or later"));
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
      watch_(plan_watch(config_, status_)), alive_(std::make_shared<census>()),
      inbox_(std::make_shared<gateway_inbox>(config_.requests_max, config_.events_max)),
      children_(plan_children()) {
  status_.gateway_beat_us = config_.steady();
  status_.has_progress = config_.node_name.empty();         // Else others may have been before it.
  status_.finds_ingest = has_role(config_.roles, "ingest"); // Until GATEWAY knows better.
  status_.finds_query = has_role(config_.roles, "query");
  supervisor_config plan;
  plan.children = children_.first();
  plan.more = [this] { return children_.added(); };
  plan.counts = config_.counts;
  plan.steady = config_.steady;
  plan.restarts = restarts_;
  actor_directory::spawning_census = alive_;
  supervisor_ = system_.spawn(supervisor, std::move(plan));
  actor_directory::spawning_census = nullptr;
  auto renewed = [this, to = supervisor_](uint64_t incarnation, const std::string& seen) {
    // How old the events are that the store lacks now is known when a partition has claimed.
    for (auto& x : status_.parts)
      if (x.stopped_at_us == 0)
        x.stopped_at_us = 1;
    const auto& report = config_.report;
    if (report)
      report(
          "supervisor",
          "the store went back, or is another one: " + seen
              + "; all that was read from it is dropped, and every partition claims and replays");
    caf::anon_send(to, atom::renewed_v, incarnation);
  };
  config_.events->on_renewal(std::move(renewed));
  // What happened before is told as well.
  caf::anon_send(supervisor_, atom::renewed_v, config_.events->incarnation());
}

children_needs node::plan_children() {
  children_needs out;
  out.config = &config_;
  out.status = &status_;
  out.inbox = inbox_;
  out.reads = watch_.config().reads;
  out.restarts = restarts_;
  out.ingest = [this](std::vector<click_event> events, ingest_done done) {
    ingest(std::move(events), std::move(done));
  };
  return out;
}

node::~node() {
  stop();
  calls_.await_none();
}

void node::ingest(std::vector<click_event> events, ingest_done done, const trace_context& trace) {
  gateway_inbox::ingest_item item{std::move(events), std::move(done), trace};
  switch (inbox_->put(item)) {
  case gateway_inbox::answer::taken: return;
  case gateway_inbox::answer::closed: return refuse_at_end(item);
  case gateway_inbox::answer::full: break;
  }
  add(config_.counts->requests_overloaded);
  item.done(
      all_rejected(item.events, errc::overloaded,
                   "too much is under way (max-in-flight = " + std::to_string(config_.requests_max)
                       + " requests, or " + std::to_string(config_.events_max)
                       + " events); nothing was stored; send it later"));
}

void node::query(query_ask ask, query_done done) {
  gateway_inbox::query_item item{std::move(ask), std::move(done), false};
  put(item, "too many requests are under way (max-in-flight = "
                + std::to_string(config_.requests_max) + "); ask again later");
}

bool node::put(gateway_inbox::query_item& item, std::string busy) {
  switch (inbox_->put(item)) {
  case gateway_inbox::answer::taken: return true;
  case gateway_inbox::answer::closed: refuse_at_end(item); return false;
  case gateway_inbox::answer::full: break;
  }
  add(config_.counts->requests_overloaded);
  item.done(no_answer(errc::overloaded, std::move(busy)));
  return false;
}

std::shared_ptr<void> node::watch(std::string site_id, std::string page_url, query_done update) {
  const auto ticket = next_watch_.fetch_add(1);
  gateway_inbox::query_item item{{}, std::move(update), true};
  item.ask.ticket = ticket;
  item.ask.kind = query_kind::page;
  item.ask.site_id = std::move(site_id);
  item.ask.page_url = std::move(page_url);
  if (!put(item, "too many requests are under way; watch again later"))
    return nullptr;
  return {nullptr, [inbox = inbox_, ticket](void*) { inbox->put_unwatch(ticket); }};
}

node_health node::health_now() const {
  node_health out;
  const auto steady = config_.steady();
  out.live = steady - status_.gateway_beat_us < gateway_beat_max_us;
  out.draining = status_.draining;
  auto add = [](auto& to, std::string name, std::string fault) {
    to.emplace_back(std::move(name), fault.empty() ? "ok" : std::move(fault));
  };
  const auto add_role = [&](const char* name, std::string fault) {
    if (has_role(config_.roles, name))
      add(out.roles, name, std::move(fault));
  };
  const bool answers = has_role(config_.roles, "query");
  const std::string unknown =
      status_.has_progress ? "" : "it is not known yet how far the partitions are";
  add_role("gateway", !out.live               ? "the gateway does not turn"
                      : !status_.finds_ingest ? "there is no link to a node with the role ingest"
                      : !status_.finds_query  ? "there is no link to a node with the role query"
                      : answers               ? ""
                                              : unknown);
  add_role("ingest", watch_.log_fault());
  add_role("aggregate", watch_.partitions_fault(steady));
  const auto store = watch_.store_fault(steady);
  add_role("query", store.empty() ? unknown : store);
  for (const auto& x : status_.parts)
    out.lags_us.push_back(x.lag_us(config_.now()));
  if (out.draining)
    add(out.roles, "node", "draining: the node stops");
  if (config_.has_log)
    add(out.dependencies, "log", watch_.log_fault());
  if (config_.has_store) {
    add(out.dependencies, "store", watch_.store_fault(steady));
    add(out.dependencies, "cache", watch_.cache_fault());
  }
  add_members(out, status_.cluster(), status_.links());
  out.ready = true;
  for (const auto& [name, state] : out.roles)
    out.ready = out.ready && state == "ok";
  return out;
}

void node::health(reply<node_health> done) {
  done(health_now());
}

std::vector<std::string> node::look() {
  return watch_.look(config_.steady());
}

void node::actors(actors_ask ask, reply<actors_reply> done) {
  actors_reply late;
  late.code = errc::timeout;
  late.reason = "the inspector did not answer in time; ask again";
  ask_from_outside(system_, alive_, children_.inspector(), admin_patience, std::move(done),
                   std::move(late), atom::list_v, std::move(ask));
}

void node::actor(std::string node, uint64_t id, reply<actor_detail> done) {
  actor_detail late;
  late.code = errc::timeout;
  late.reason = "the inspector did not answer in time; ask again";
  ask_from_outside(system_, alive_, children_.inspector(), admin_patience, std::move(done),
                   std::move(late), atom::describe_v, std::move(node), id);
}

void node::audit(audit_ask ask, reply<audit_reply> done) {
  audit_reply late;
  late.code = errc::timeout;
  late.reason = "the audit was not finished in time";
  const bool is_page = !ask.page_url.empty(); // It says nothing of the others.
  reply<audit_reply> note = [counts = audits_, is_page, done = std::move(done)](audit_reply x) {
    if (x.code == errc::none)
      counts->differences = is_page ? std::max<uint64_t>(counts->differences, x.differences.size())
                                    : x.differences.size();
    add(x.code != errc::none    ? counts->failed
        : x.differences.empty() ? counts->ok
                                : counts->differing);
    done(std::move(x));
  };
  ask_from_outside(system_, alive_, children_.auditor(), audit_patience, std::move(note),
                   std::move(late), atom::audit_v, std::move(ask));
}

void node::bad_events(bad_events_ask ask, reply<bad_events_reply> done) {
  config_.events->bad_events(ask, answer_with(std::move(done), &bad_events_reply::page));
}

void node::redrive(redrive_ask ask, reply<redrive_reply> done) {
  redrive_reply late;
  late.code = errc::timeout;
  late.reason = "the re-drive was not finished in time; ask again, nothing counts twice";
  ask_from_outside(system_, alive_, children_.redriver(), redrive_patience, std::move(done),
                   std::move(late), atom::redrive_v, std::move(ask));
}

std::string node::metrics() {
  return metrics_text(*config_.counts, status_, inbox_->in_flight(), config_.now(), health_now(),
                      config_.links,
                      {{"log", config_.log_part.kind},
                       {"store", config_.store_part.kind},
                       {"cache", config_.cache_part.kind}},
                      *audits_, config_.data_dir);
}

bool node::ask_desk(access_call x) {
  auto to = children_.membership();
  if (to)
    caf::anon_send(to, atom::ask_v, std::move(x));
  return to != nullptr;
}

void node::drain() {
  status_.draining = true;
}

void node::leave() {
  status_.is_leaving = true;
  if (auto to = children_.ownership())
    caf::anon_send(to, atom::stop_v);
}

bool node::has_left() const {
  return status_.has_left || !children_.ownership();
}

size_t node::in_flight() const {
  return inbox_->in_flight();
}

bool node::running() const {
  if (has_role(config_.roles, "gateway")
      && !(status_.finds_ingest && status_.finds_query && status_.has_progress))
    return false;
  for (const auto& x : status_.parts) {
    const auto phase = x.phase.load();
    if (phase != partition_phase::running && phase != partition_phase::idle)
      return false;
  }
  return true;
}

void node::begin_stop() {
  if (!supervisor_)
    return;
  config_.events->on_renewal({});
  std::vector<gateway_inbox::ingest_item> ingests;
  std::vector<gateway_inbox::query_item> queries;
  inbox_->close(ingests, queries);
  for (auto& x : ingests)
    refuse_at_end(x);
  for (auto& x : queries)
    refuse_at_end(x);
  caf::anon_send(supervisor_, atom::stop_v);
  supervisor_ = nullptr;
  children_.forget();
}

void node::stop() {
  begin_stop();
  alive_->await_none();
}

} // namespace footfall
