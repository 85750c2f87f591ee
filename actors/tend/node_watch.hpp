#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "actors/model/standstill.hpp"
#include "actors/model/trouble_report.hpp"
#include "actors/ports/cache.hpp"
#include "actors/ports/event_log.hpp"
#include "actors/ports/store.hpp"
#include "actors/tend/node_status.hpp"

namespace footfall {

/// One of log, store and cache, as people know it.
struct node_part {
  std::string kind;  ///< "kafka", "sqlite", "postgresql", "redis", "memory".
  std::string where; ///< Its address or file.
  std::string hint;  ///< What a failure means, and what to look at.
};

struct node_watch_config {
  event_log* log = nullptr;
  store* events = nullptr;
  cache* values = nullptr;
  node_status* status = nullptr;
  std::shared_ptr<outcome_note> reads; ///< Of the store, by queries and by the watch itself.
  node_part log_part, store_part, cache_part;
  std::string partitions_hint;
};

/// Looks after what the node stands on, about once a second: says what begins to fail, goes
/// on failing and works again, and knows which partitions have work and do nothing. It reads
/// something of the store every few seconds, so that nobody has to ask before it is noticed.
class node_watch {
public:
  explicit node_watch(node_watch_config config);

  /// The lines to write now, mostly none. One thread at a time.
  /// @param steady_us as those who note outcomes say it
  std::vector<std::string> look(int64_t steady_us);

  // What is wrong; empty: nothing. Any thread.
  std::string log_fault() const { return config_.log->health(); }
  std::string store_fault(int64_t steady_us) const;
  std::string cache_fault() const { return config_.values->health(); }
  /// Of all partitions, as of the last look but for those that stopped or wait for a claim.
  std::string partitions_fault(int64_t steady_us) const;

  const node_watch_config& config() const noexcept { return config_; }

private:
  struct probe;
  using faults = std::vector<std::pair<size_t, std::string>>;

  void ask_the_store(int64_t steady_us);
  faults failing(int64_t steady_us);
  void add(std::vector<std::string>& out, std::string line, const std::string& hint) const;

  node_watch_config config_;
  std::shared_ptr<probe> probe_;
  model::trouble_report log_, store_, cache_, partitions_, stopped_, memory_;
  std::vector<model::standstill> moves_;
  mutable std::mutex mutex_;
  faults seen_; ///< Partitions that fail or stand still, but for those that stopped.
};

} // namespace footfall
