#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "actors/accept/gateway.hpp"
#include "actors/node_config.hpp"
#include "actors/tend/redriver.hpp"
#include "actors/tend/supervisor.hpp"

namespace footfall {

/// What the actors of a node share beside the ports. All of it outlives them.
struct children_needs {
  const node_config* config = nullptr;
  node_status* status = nullptr;
  std::shared_ptr<gateway_inbox> inbox;
  std::shared_ptr<outcome_note> reads; ///< Of the store, by queries.
  std::shared_ptr<restart_counts> restarts;
  decltype(redriver_config::ingest) ingest; ///< The door, for events that are re-driven.
};

/// The actors of a node: how each is started, whom the others find in the wiring, and whom
/// threads outside may ask. Outlives them.
class children {
public:
  explicit children(children_needs needs);

  /// In the order of starting.
  std::vector<child_spec> first();
  /// Partitions that the log got since, each once. One thread at a time.
  std::vector<child_spec> added();

  // Those that run now; null handles otherwise. Any thread.
  inspector_actor inspector() const;
  redriver_actor redriver() const;
  auditor_actor auditor() const;
  ownership_actor ownership() const;
  membership_actor membership() const;
  partition_actor partition(uint32_t number) const;
  /// The node ends: nobody is to be asked any more.
  void forget();

private:
  child_spec cache_manager_child() const;
  child_spec ingestion_child() const;
  child_spec query_child() const;
  child_spec log_reader_child() const;
  child_spec partition_child(uint32_t number);
  child_spec ownership_child();
  child_spec membership_child();
  child_spec gateway_child() const;
  child_spec inspector_child();
  child_spec redriver_child();
  child_spec auditor_child();
  /// Keeps the handle of a child for those who ask from outside.
  std::function<void(wiring&, caf::strong_actor_ptr)> keep_in(caf::strong_actor_ptr& place);
  caf::strong_actor_ptr read(const caf::strong_actor_ptr& place) const;

  const children_needs needs_;
  partition_config pattern_; ///< Of each partition, but for its number.

  mutable std::mutex mutex_; ///< Guards those that are asked from outside.
  caf::strong_actor_ptr inspector_;
  caf::strong_actor_ptr redriver_;
  caf::strong_actor_ptr auditor_;
  caf::strong_actor_ptr ownership_;
  caf::strong_actor_ptr membership_;
  std::vector<caf::strong_actor_ptr> partitions_;
};

} // namespace footfall
