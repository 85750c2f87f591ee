#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "actors/model/applied_history.hpp"
#include "proto/partition.hpp"
#include "actors/model/backlog.hpp"
#include "actors/ports/clock.hpp"

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
  /// What is told of this partition is never newer than this; 0: it runs.
  std::atomic<int64_t> stopped_at_us{0};
  /// It holds clicks of pages whose key belongs elsewhere (another producer chose), as
  /// far as was seen since the start.
  std::atomic<bool> has_strays{false};
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

  /// What waits here, looked at or changed as one step. `work` must not block.
  template <class Work>
  auto with_backlog(Work work) {
    std::lock_guard guard{mutex_};
    return work(backlog_);
  }
  template <class Work>
  auto with_backlog(Work work) const {
    std::lock_guard guard{mutex_};
    return work(backlog_);
  }

  /// How long the oldest record that is not applied has waited.
  int64_t lag_us(int64_t now_us) const {
    const auto oldest = with_backlog([](const auto& x) { return x.oldest(); });
    return oldest && *oldest > 0 ? std::max<int64_t>(now_us - *oldest, 0) : 0;
  }
  /// `bound_us`, or earlier when an event that arrived before may be unapplied, as far as
  /// records below `applied` are not meant (else those that are applied).
  int64_t complete_until(int64_t bound_us, std::optional<int64_t> applied) const;

private:
  mutable std::mutex mutex_;
  std::string why_stopped_;
  model::backlog backlog_;
  mutable std::mutex history_mutex_;
  model::applied_history history_;
};

/// What health checks and metrics read without asking an actor.
class node_status {
public:
  explicit node_status(size_t partitions) : parts(partitions) {}
  std::deque<partition_status> parts;
  std::atomic<int64_t> gateway_beat_us{0}; ///< When the gateway last turned.
  std::atomic<bool> draining{false};

  /// INGESTION: events arrive now, and stand in no backlog until end_arrivals().
  int64_t begin_arrivals(const now_fn& now);
  void end_arrivals();
  /// INGESTION began again: what it had under way is acknowledged to nobody.
  void forget_arrivals();

  /// What is read, or asked of a partition, after this call has every acknowledged event
  /// that arrived before the time it returns: of all pages, or of one whose key's
  /// partition is `home` (once records of it below `applied` are, when that is given).
  int64_t as_of_all(const now_fn& now) const;
  int64_t as_of_page(uint32_t home, const now_fn& now, std::optional<int64_t> applied = {}) const;

private:
  int64_t newest_bound(const now_fn& now) const;

  mutable std::mutex arrivals_;
  std::optional<int64_t> arriving_us_;
};

} // namespace footfall
