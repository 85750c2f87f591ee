#pragma once

#include <atomic>
#include <cstdint>
#include <deque>

namespace footfall {

enum class partition_phase : uint8_t { claiming, running, stopped };

/// How far a partition of this node is. Written by its actor, read by anyone.
struct partition_status {
  std::atomic<partition_phase> phase{partition_phase::claiming};
  std::atomic<int64_t> next_offset{0};
  std::atomic<int64_t> folded_offset{0};
  std::atomic<int64_t> log_end{0};
  std::atomic<uint64_t> live_pages{0};
};

/// What health checks and metrics read without asking an actor.
struct node_status {
  explicit node_status(size_t partitions) : parts(partitions) {}
  std::deque<partition_status> parts;
  std::atomic<int64_t> gateway_beat_us{0}; ///< When the gateway last turned.
  std::atomic<bool> draining{false};
};

} // namespace footfall
