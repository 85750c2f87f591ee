#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "actors/ports/metrics.hpp"
#include "actors/ports/request_handler.hpp"

namespace footfall::app {

/// What the listeners call before there is a node: it lives, is not ready and says what is
/// awaited; clicks are refused, and nothing of them is stored. From open() on it is the node.
/// Any thread.
class front_door final : public request_handler {
public:
  explicit front_door(const footfall::metrics& counts) : counts_(counts) {}

  /// What the start waits for.
  void waits_for(std::string what);
  /// `inside` outlives all calls.
  void open(request_handler& inside) noexcept { inside_ = &inside; }

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

private:
  std::string why() const;
  node_health health_now() const;

  const footfall::metrics& counts_;
  std::atomic<request_handler*> inside_{nullptr};
  mutable std::mutex mutex_;
  std::string waits_for_;
};

} // namespace footfall::app
