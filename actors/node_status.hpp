#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "actors/model/applied_history.hpp"
#include "proto/partition.hpp"

namespace footfall {

enum class partition_phase : uint8_t { claiming, running, stopped };

/// How far a partition of this node is. Written by its actor (and `log_end` by whoever
/// learns of it), read by anyone.
struct partition_status {
  std::atomic<partition_phase> phase{partition_phase::claiming};
  std::atomic<int64_t> next_offset{0};
  std::atomic<int64_t> folded_offset{0};
  std::atomic<int64_t> log_end{0};
  std::atomic<uint64_t> live_pages{0};
  std::atomic<stop_kind> stopped{stop_kind::none}; ///< Meant while the phase is `stopped`.

  /// The log reaches to `end` at least, whoever saw it.
  void raise_log_end(int64_t end) noexcept {
    auto known = log_end.load();
    while (known < end && !log_end.compare_exchange_weak(known, end)) {
    }
  }
  void set_why_stopped(stop_kind kind, std::string why) {
    std::lock_guard guard{mutex_};
    stopped = kind;
    why_stopped_ = std::move(why);
  }
  /// For people; meant while the phase is `stopped`.
  std::string why_stopped() const {
    std::lock_guard guard{mutex_};
    return why_stopped_;
  }

  /// What is known of the records that were applied, looked at or changed as one step.
  template <class Work>
  auto with_history(Work work) {
    std::lock_guard guard{history_mutex_};
    return work(history_);
  }
  template <class Work>
  auto with_history(Work work) const {
    std::lock_guard guard{history_mutex_};
    return work(history_);
  }

private:
  mutable std::mutex mutex_;
  std::string why_stopped_;
  mutable std::mutex history_mutex_;
  model::applied_history history_;
};

/// What health checks and metrics read without asking an actor.
struct node_status {
  explicit node_status(size_t partitions) : parts(partitions) {}
  std::deque<partition_status> parts;
  std::atomic<int64_t> gateway_beat_us{0}; ///< When the gateway last turned.
  std::atomic<bool> draining{false};
};

} // namespace footfall
