#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/accept/gateway.hpp"
#include "actors/answer/query.hpp"
#include "actors/count/partition.hpp"
#include "actors/interfaces.hpp"
#include "actors/ports/request_handler.hpp"
#include "actors/tend/node_watch.hpp"
#include "actors/tend/supervisor.hpp"

namespace footfall {

/// All that the actors of a node need from outside. The ports outlive the node.
struct node_config {
  event_log* log = nullptr;
  store* events = nullptr;
  cache* values = nullptr;
  metrics* counts = nullptr;
  now_fn now;
  size_t requests_max = 4096;
  size_t events_max = 200'000;
  std::chrono::milliseconds request_timeout{5000};
  std::chrono::seconds lag_limit{0}; ///< See ingestion_config.
  partition_config partition;        ///< A pattern: the number is filled in.
  /// Told what was seen when the store went back, or is another one; must not block.
  std::function<void(const std::string&)> report;
  int64_t pairs_max = 4'000'000; ///< Users and types of all live pages.
  bool accept_when_stopped = false;
  std::string data_dir; ///< Where log and store are, when both are embedded.
  node_part log_part, store_part, cache_part;
  std::string partitions_hint; ///< What to look at when they apply nothing.
};

/// The actors of this process, and the door to them for HTTP and gRPC.
class node final : public request_handler {
public:
  /// Spawns the supervisor and, through it, all others.
  node(caf::actor_system& system, node_config config);
  ~node() override;

  void ingest(std::vector<click_event> events, ingest_done done) override;
  void query(query_ask ask, query_done done) override;
  std::shared_ptr<void> watch(std::string site_id, std::string page_url,
                              query_done update) override;
  void health(reply<node_health> done) override;
  void actors(reply<actors_reply> done) override;
  void actor(uint64_t id, reply<actor_detail> done) override;
  void audit(audit_ask ask, reply<audit_reply> done) override;
  void bad_events(bad_events_ask ask, reply<bad_events_reply> done) override;
  void redrive(redrive_ask ask, reply<redrive_reply> done) override;
  applied_counts applied(const position_range& range) const override;
  void partitions(reply<partitions_reply> done) override;
  void skip(uint32_t partition, int64_t to, reply<partition_reply> done) override;
  void new_generation(reply<partition_reply> done) override;
  std::string metrics() override;

  /// Looks after the log, the store, the cache and the partitions; to be called about once
  /// a second by one thread. @returns the lines to log.
  std::vector<std::string> look();
  /// From now on not ready: balancers send no more requests.
  void drain();
  size_t in_flight() const;
  /// True once every partition of this node reads its log.
  bool running() const;
  /// Tells the actors to end; what is open is answered unknown.
  void begin_stop();
  /// The same, and blocks until they have.
  void stop();

private:
  std::vector<child_spec> children();
  child_spec partition_child(uint32_t number, partition_status& status);
  std::vector<child_spec> added_partitions();
  node_health health_now() const;
  inspector_actor inspector();
  redriver_actor redriver();
  partition_actor partition_of(uint32_t partition);
  /// A token to hold while an answer is awaited.
  std::shared_ptr<void> open_call();
  void look_at_all(std::function<void(std::vector<caf::expected<log_view>>)> done);
  void begin_generation(const std::vector<caf::expected<log_view>>& views,
                        reply<partition_reply> done);
  auditor_actor auditor();

  caf::actor_system& system_;
  node_config config_;
  partition_config pattern_; ///< Of each partition, but for its number.
  node_status status_;
  node_watch watch_;
  std::shared_ptr<gateway_inbox> inbox_;
  std::shared_ptr<restart_counts> restarts_;
  std::atomic<uint64_t> next_watch_{uint64_t{1} << 63};
  supervisor_actor supervisor_;
  std::mutex asked_mutex_; ///< Guards those that are asked from outside.
  caf::strong_actor_ptr inspector_;
  caf::strong_actor_ptr redriver_;
  std::vector<caf::strong_actor_ptr> partitions_;

  /// Answers of log and store that will come to this object: it waits for them at the end.
  struct open_calls {
    std::mutex mutex;
    std::condition_variable none;
    size_t count = 0;
  };
  open_calls calls_;
  caf::strong_actor_ptr auditor_;
};

} // namespace footfall
