#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

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

  /// The log reaches to `end` at least, whoever saw it.
  void raise_log_end(int64_t end) noexcept {
    auto known = log_end.load();
    while (known < end && !log_end.compare_exchange_weak(known, end)) {
    }
  }
  void set_why_stopped(std::string why) {
    std::lock_guard guard{mutex_};
    why_stopped_ = std::move(why);
  }
  /// For people; meant while the phase is `stopped`.
  std::string why_stopped() const {
    std::lock_guard guard{mutex_};
    return why_stopped_;
  }

private:
  mutable std::mutex mutex_;
  std::string why_stopped_;
};

/// What health checks and metrics read without asking an actor.
struct node_status {
  explicit node_status(size_t partitions) : parts(partitions) {}
  std::deque<partition_status> parts;
  std::atomic<int64_t> gateway_beat_us{0}; ///< When the gateway last turned.
  std::atomic<bool> draining{false};
};

} // namespace footfall
