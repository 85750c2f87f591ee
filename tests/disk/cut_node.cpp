#include "tests/disk/cut_node.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <future>
#include <stdexcept>
#include <thread>

#include <sqlite3.h>

#include "actors/message_types.hpp"
#include "db/sqlite/sqlite_log.hpp"
#include "db/sqlite/sqlite_store.hpp"
#include "tests/contract/temporary_folder.hpp"

namespace {

std::atomic<bool> syncs_are_off{false};

} // namespace

extern "C" int __real_sqlite3_exec(sqlite3* on, const char* sql,
                                   int (*row)(void*, int, char**, char**), void* with,
                                   char** error);

extern "C" int __wrap_sqlite3_exec(sqlite3* on, const char* sql,
                                   int (*row)(void*, int, char**, char**), void* with,
                                   char** error) {
  if (syncs_are_off && std::strncmp(sql, "PRAGMA synchronous=", 19) == 0)
    sql = "PRAGMA synchronous=OFF";
  return __real_sqlite3_exec(on, sql, row, with, error);
}

namespace footfall::test {

namespace {

using namespace std::chrono_literals;

/// Sanitizers need more of it.
std::chrono::seconds patience() {
  const char* times = std::getenv("FOOTFALL_TEST_PATIENCE");
  return 20s * (times ? std::max(std::atoi(times), 1) : 1);
}

template <class T>
T opened(caf::expected<T> made) {
  if (!made)
    throw std::runtime_error("a cut left what cannot be opened: " + text_of(made.error()));
  return std::move(*made);
}

template <class Reply, class Ask>
Reply asked(Ask ask) {
  auto promise = std::make_shared<std::promise<Reply>>();
  auto future = promise->get_future();
  ask([promise](Reply x) { promise->set_value(std::move(x)); });
  if (future.wait_for(patience()) != std::future_status::ready)
    throw std::runtime_error("no answer in time");
  return future.get();
}

/// Why a node has not applied and folded all of its log.
std::string unsettled(const partitions_reply& at) {
  for (const auto& x : at.rows) {
    if (x.state == "stopped")
      return "partition " + std::to_string(x.partition) + " stopped: " + x.why;
    if (x.state != "running" || x.next_offset != x.log_end || x.folded_offset != x.next_offset)
      return "partition " + std::to_string(x.partition) + " is " + x.state + " at "
             + std::to_string(x.next_offset) + " of " + std::to_string(x.log_end) + ", folded to "
             + std::to_string(x.folded_offset);
  }
  return {};
}

std::multiset<std::string> rows_of(const std::string& folder) {
  sqlite3* on = nullptr;
  sqlite3_open_v2((folder + "/store.db").c_str(), &on, SQLITE_OPEN_READWRITE, nullptr);
  std::multiset<std::string> out;
  auto take = [](void* to, int, char** text, char**) {
    static_cast<std::multiset<std::string>*>(to)->insert(text[0]);
    return 0;
  };
  const int result =
      __real_sqlite3_exec(on, "SELECT event_id FROM click_events", take, &out, nullptr);
  sqlite3_close(on);
  if (result != SQLITE_OK)
    throw std::runtime_error("the rows cannot be read");
  return out;
}

} // namespace

void switch_syncs_off(bool off) {
  syncs_are_off = off;
}

cut_node::cut_node(const std::string& folder)
    : values_({size_t{1} << 20, 1000, 1000, 30'000'000, system_now_us}) {
  config_.set("scheduler.max-threads", 2);
  add_messages(config_);
  system_ = std::make_unique<caf::actor_system>(config_);
  sqlite_log::config log;
  log.folder = folder;
  log.partitions = 3;
  log.retain_bytes = 0;
  log.checkpoint_pages = 40;
  log_ = opened(sqlite_log::open(log));
  sqlite_store::config events;
  events.folder = folder;
  events.topic = log_->topic();
  events.recent_ids_max = 60;
  events.merge_rows_min = 40;
  events.merge_step_min = 3;
  events.checkpoint_pages = 120;
  events.log_keeps_rest = true;
  events_ = opened(sqlite_store::open(events));
  node_config plan;
  plan.log = log_.get();
  plan.events = events_.get();
  plan.values = &values_;
  plan.counts = &counts_;
  plan.now = system_now_us;
  plan.partition.fold_every = 10ms;
  door_ = std::make_unique<node>(*system_, plan);
}

cut_node::~cut_node() {
  door_.reset();
  events_.reset();
  log_.reset();
}

std::string cut_node::settle() {
  const auto end = std::chrono::steady_clock::now() + patience();
  for (;;) {
    auto why = unsettled(
        asked<partitions_reply>([this](auto done) { door_->partitions(std::move(done)); }));
    const bool is_stopped = why.find("stopped") != std::string::npos;
    if (why.empty() || is_stopped || std::chrono::steady_clock::now() > end)
      return why;
    std::this_thread::sleep_for(5ms);
  }
}

std::string cut_node::audit() {
  const auto found =
      asked<audit_reply>([this](auto done) { door_->audit({audit_live::all}, std::move(done)); });
  if (found.code != errc::none)
    return found.reason;
  if (found.differences.empty())
    return {};
  const auto& x = found.differences.front();
  return "the audit finds " + x.table + " " + x.key + " " + std::to_string(x.found) + " instead of "
         + std::to_string(x.expected);
}

void cut_ledger::post(const std::vector<click_event>& events) {
  std::lock_guard guard(mutex_);
  for (const auto& x : events)
    posted_.insert(x.event_id);
}

void cut_ledger::acknowledge(const ingest_reply& reply) {
  std::lock_guard guard(mutex_);
  for (const auto& x : reply.results)
    if (x.status == outcome::accepted)
      acknowledged_.insert(x.event_id);
}

std::set<std::string> cut_ledger::acknowledged() const {
  std::lock_guard guard(mutex_);
  return acknowledged_;
}

std::set<std::string> cut_ledger::posted() const {
  std::lock_guard guard(mutex_);
  return posted_;
}

cut_report count_after(const power_cut& cut, const std::set<std::string>& posted) {
  cut_report out;
  out.acknowledged = cut.acknowledged.size();
  temporary_folder folder;
  forgetful_disk::write_out(cut.left, folder.path());
  try {
    cut_node again{folder.path()};
    out.fault = again.settle();
    if (out.fault.empty())
      out.fault = again.audit();
  } catch (const std::exception& error) {
    out.fault = error.what();
  }
  if (!out.fault.empty())
    return out;
  const auto rows = rows_of(folder.path());
  out.counted = rows.size();
  for (const auto& id : cut.acknowledged)
    out.lost += rows.count(id) == 0 ? 1 : 0;
  if (out.lost > 0)
    out.fault = std::to_string(out.lost) + " acknowledged clicks are lost";
  for (const auto& id : rows)
    if (rows.count(id) > 1 || posted.count(id) == 0)
      out.fault = id + " is counted " + std::to_string(rows.count(id)) + " times, posted "
                  + std::to_string(posted.count(id));
  return out;
}

} // namespace footfall::test
