#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/children.hpp"
#include "actors/interfaces.hpp"
#include "actors/node_config.hpp"
#include "actors/ports/request_handler.hpp"
#include "actors/tend/metrics_text.hpp"
#include "actors/tend/node_watch.hpp"

namespace footfall {

/// The actors of this process, and the door to them for HTTP and gRPC.
class node final : public request_handler {
public:
  /// Spawns the supervisor and, through it, all others.
  node(caf::actor_system& system, node_config config);
  ~node() override;

  void ingest(std::vector<click_event> events, ingest_done done,
              const trace_context& trace = {}) override;
  void query(query_ask ask, query_done done) override;
  std::shared_ptr<void> watch(std::string site_id, std::string page_url,
                              query_done update) override;
  void health(reply<node_health> done) override;
  void actors(actors_ask ask, reply<actors_reply> done) override;
  void actor(std::string node, uint64_t id, reply<actor_detail> done) override;
  void audit(audit_ask ask, reply<audit_reply> done) override;
  void bad_events(bad_events_ask ask, reply<bad_events_reply> done) override;
  void redrive(redrive_ask ask, reply<redrive_reply> done) override;
  applied_counts applied(const position_range& range) const override;
  void partitions(reply<partitions_reply> done) override;
  void skip(uint32_t partition, int64_t to, reply<partition_reply> done) override;
  void new_generation(reply<partition_reply> done) override;
  std::string metrics() override;
  /// For the desk of another node, which answers by access_links::answer, if ever.
  /// @returns false when nobody here can ask it now.
  bool ask_desk(access_call x);

  /// Looks after the log, the store, the cache and the partitions; to be called about once
  /// a second by one thread. @returns the lines to log.
  std::vector<std::string> look();
  /// From now on not ready: balancers send no more requests.
  void drain();
  /// In a cluster: gives the partitions to other nodes. has_left() once that is done; there is
  /// nothing to wait for without one.
  void leave();
  bool has_left() const;
  /// In a cluster: why this process is to end, as another has its name; empty: it is not.
  std::string replaced() const { return status_.replaced(); }
  size_t in_flight() const;
  /// True once every partition of this node reads its log, and a gateway has who does what this
  /// node leaves out.
  bool running() const;
  /// Tells the actors to end; what is open is answered unknown, what comes later is refused.
  void begin_stop();
  /// The same, and blocks until none of them is left: who uses a port, or the node, is gone.
  void stop();

private:
  children_needs plan_children();
  node_health health_now() const;
  bool put(gateway_inbox::query_item& item, std::string busy);
  /// A token to hold while an answer is awaited.
  std::shared_ptr<void> open_call();
  void look_at_all(std::function<void(std::vector<caf::expected<log_view>>)> done);
  void begin_generation(const std::vector<caf::expected<log_view>>& views,
                        reply<partition_reply> done);

  caf::actor_system& system_;
  node_config config_;
  node_status status_;
  node_watch watch_;
  std::shared_ptr<census> alive_; ///< Actors of this node, and questions from outside.
  std::shared_ptr<gateway_inbox> inbox_;
  std::shared_ptr<restart_counts> restarts_ = std::make_shared<restart_counts>();
  std::shared_ptr<audit_counts> audits_ = std::make_shared<audit_counts>();
  children children_;
  std::atomic<uint64_t> next_watch_{uint64_t{1} << 63};
  supervisor_actor supervisor_;

  /// Answers of log and store that will come to this object: it waits for them at the end.
  census calls_;
};

} // namespace footfall
