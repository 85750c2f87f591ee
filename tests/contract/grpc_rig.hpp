#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <analytics/analytics.grpc.pb.h>
#include <footfall/v1/ingest.grpc.pb.h>
#include <footfall/v1/stats.grpc.pb.h>
#include <grpcpp/grpcpp.h>

#include "net/grpc/grpc_server.hpp"
#include "tests/contract/await.hpp"

namespace footfall::test {

namespace v1 = ::footfall::v1;

/// A handler that does as it is told. Any thread.
class told_handler final : public request_handler {
public:
  struct watcher {
    std::string page_url;
    query_done update;
    std::weak_ptr<void> token;
  };

  // What it is told. Set before the calls it is meant for.
  std::atomic<bool> keeps_silent{false}; ///< Keeps every `done` and calls none.
  std::atomic<bool> is_ready{true};
  std::function<event_result(const click_event&)> decide;
  query_answer answer;

  void ingest(std::vector<click_event> events, ingest_done done,
              const trace_context& trace = {}) override;
  void query(query_ask ask, query_done done) override;
  std::shared_ptr<void> watch(std::string site_id, std::string page_url,
                              query_done update) override;
  void health(reply<node_health> done) override;
  void actors(actors_ask, reply<actors_reply> done) override { done({}); }
  void actor(std::string, uint64_t, reply<actor_detail> done) override { done({}); }
  void audit(audit_ask, reply<audit_reply> done) override { done({}); }
  void bad_events(bad_events_ask, reply<bad_events_reply> done) override { done({}); }
  void redrive(redrive_ask, reply<redrive_reply> done) override { done({}); }
  applied_counts applied(const position_range& x) const override { return all_forgotten(x); }
  void partitions(reply<partitions_reply> done) override { done({}); }
  void skip(uint32_t, int64_t, reply<partition_reply> done) override { done({}); }
  void new_generation(reply<partition_reply> done) override { done({}); }
  std::string metrics() override { return {}; }

  std::vector<click_event> events() const;
  query_ask last_ask() const;
  trace_context last_trace() const; ///< Of events.
  size_t kept() const;
  /// Answers all that were kept, in vain or not.
  void answer_kept();
  size_t open_watches() const;
  /// Gives every watcher a page with so many clicks, or an error.
  void tell_watchers(uint64_t clicks, errc code = errc::none);

private:
  mutable std::mutex mutex_;
  std::vector<click_event> events_;
  query_ask last_ask_;
  trace_context last_trace_;
  std::vector<std::function<void()>> kept_;
  std::vector<watcher> watchers_;
};

/// A server over loopback with a client.
struct grpc_rig {
  explicit grpc_rig(grpc_config config = {});

  told_handler handler;
  metrics counters;
  std::unique_ptr<grpc_server> server;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Ingest::Stub> ingest;
  std::unique_ptr<v1::Stats::Stub> stats;
  std::unique_ptr<analytics::AnalyticsService::Stub> analytics_stub;

  /// Calls a method with bytes of any kind.
  grpc::Status call_raw(const std::string& method, const std::string& bytes,
                        std::string* answer = nullptr);
  /// 1 SERVING, 2 NOT_SERVING, 0 when the call failed.
  int health();
};

/// A context whose call ends by itself when the test is broken.
struct patient_context : grpc::ClientContext {
  patient_context() { set_deadline(std::chrono::system_clock::now() + patience); }
};

v1::Event* add_event(v1::PostEventsRequest& request, const std::string& id);

} // namespace footfall::test
