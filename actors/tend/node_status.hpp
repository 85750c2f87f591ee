#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/model/applied_history.hpp"
#include "actors/model/backlog.hpp"
#include "actors/ports/clock.hpp"
#include "actors/ports/store.hpp"
#include "actors/tend/outcome_note.hpp"
#include "proto/lease.hpp"
#include "proto/partition.hpp"

namespace footfall {

enum class partition_phase : uint8_t {
  claiming,
  running,
  stopped,
  idle ///< Another node's, or nobody's.
};

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
  /// The store was asked to apply such clicks, and those pages were not told. It outlives the
  /// partition's actor.
  std::atomic<bool> strays_untold{false};
  std::atomic<uint32_t> generation{0}; ///< Of the log that the backlog's offsets are of; 0: any.
  /// Meant while the phase is `stopped`, or it is idle and stopped elsewhere.
  std::atomic<stop_kind> stopped{stop_kind::none};
  /// In a cluster: it is stopped at another node, or was at the one that had it before; meant
  /// until it runs.
  std::atomic<bool> is_stopped_elsewhere{false};
  static constexpr uint64_t not_seen = std::numeric_limits<uint64_t>::max();
  std::atomic<uint64_t> strays_seen{not_seen}; ///< Of the last beat: partition_mark::strays.
  /// In a cluster, by the steady clock: what a statement confirmed last, and until when that
  /// lets this node answer from memory. OWNERSHIP writes them.
  std::atomic<int64_t> fresh_epoch{0}; ///< With which claim that is so.
  std::atomic<int64_t> confirmed_us{0};
  std::atomic<int64_t> fresh_until_us{std::numeric_limits<int64_t>::max()};
  outcome_note applies; ///< Claims and applies.
  /// Since when, steady, applies wait for folds again and again; 0: they do not.
  std::atomic<int64_t> waits_for_folds_us{0};
  outcome_note folds;

  /// The log reaches to `end` at least, whoever saw it.
  void raise_log_end(int64_t end) noexcept {
    auto known = log_end.load();
    while (known < end && !log_end.compare_exchange_weak(known, end)) {
    }
  }
  /// How far its owner is, another node, as the store says: late, never early, unless the store
  /// went back. @returns false, and nothing changed, while it runs here.
  bool hear_of(int64_t next_offset, int64_t folded_offset, bool may_go_back, size_t batch_max,
               int64_t steady_us);
  /// Nobody applies what is posted to it.
  bool is_stopped() const noexcept {
    const auto now = phase.load();
    return now == partition_phase::stopped
           || (now != partition_phase::running && is_stopped_elsewhere.load());
  }
  void set_why_stopped(stop_kind kind, std::string why) {
    std::lock_guard guard{mutex_};
    stopped = kind;
    why_stopped_ = std::move(why);
  }
  /// For people; meant as `stopped` is.
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

/// The partitions of this node. It grows while others read: what is in it stays where it
/// is. One thread at a time lets it grow.
class partition_list {
public:
  static constexpr size_t most = 1024;

  template <class List, class Status>
  struct place {
    List* list;
    size_t at;
    Status& operator*() const { return (*list)[at]; }
    place& operator++() {
      ++at;
      return *this;
    }
    bool operator!=(const place& other) const { return at != other.at; }
  };

  explicit partition_list(size_t partitions) {
    while (size() < partitions)
      grow();
  }
  size_t size() const noexcept { return size_.load(std::memory_order_acquire); }
  partition_status& operator[](size_t i) { return *all_[i]; }
  const partition_status& operator[](size_t i) const { return *all_[i]; }
  auto begin() { return place<partition_list, partition_status>{this, 0}; }
  auto end() { return place<partition_list, partition_status>{this, size()}; }
  auto begin() const { return place<const partition_list, const partition_status>{this, 0}; }
  auto end() const { return place<const partition_list, const partition_status>{this, size()}; }

  partition_status& grow() {
    const auto n = size();
    all_.at(n) = std::make_unique<partition_status>();
    size_.store(n + 1, std::memory_order_release);
    return *all_[n];
  }

private:
  std::array<std::unique_ptr<partition_status>, most> all_;
  std::atomic<size_t> size_{0};
};

/// How this node is linked to another one.
struct link_status {
  std::string node; ///< Its name, or the address of a seed while nobody was found.
  bool up = false;
  int64_t since_us = 0; ///< By the steady clock; 0: there never was a link.
  std::string why;      ///< There is none; empty: this node waits for the other to dial.
  // As it says itself, while the link is up.
  int64_t incarnation = 0;
  std::string roles = {}, version = {};
};

/// What health checks and metrics read without asking an actor.
class node_status {
public:
  explicit node_status(size_t partitions)
      : parts(partitions), homes_(static_cast<uint32_t>(partitions)) {}
  partition_list parts;
  std::atomic<int64_t> gateway_beat_us{0}; ///< When the gateway last turned, by steady_now().
  std::atomic<bool> draining{false};
  std::atomic<bool> has_joined{false}; ///< In a cluster: it knows what others have.
  /// It knows how far all partitions are; else nobody can say as of when an answer is.
  std::atomic<bool> has_progress{false};
  std::atomic<bool> is_leaving{false}; ///< In a cluster: it takes nothing any more.
  /// In a cluster: others may have applied clicks of pages that are live or cached here.
  std::atomic<bool> doubts_memory{false};
  outcome_note lease;                ///< In a cluster: joining, and beats.
  std::atomic<bool> has_left{false}; ///< In a cluster: all is given away, nobody waits for it.
  /// GATEWAY has somebody who takes events, and somebody who answers.
  std::atomic<bool> finds_ingest{true}, finds_query{true};

  /// In a cluster: what the last beat was answered, and to whom.
  struct cluster_view {
    owner_id me;
    beat_answer seen;
  };
  void set_cluster(const owner_id& me, const beat_answer& seen);
  cluster_view cluster() const;

  /// In a cluster: the links to other nodes.
  void set_links(std::vector<link_status> all);
  std::vector<link_status> links() const;

  /// In a cluster: why this process is to end, as another has its name; empty: it is not.
  void set_replaced(std::string why);
  std::string replaced() const;

  /// INGESTION: events arrive now, and stand in no backlog until end_arrivals().
  int64_t begin_arrivals(const now_fn& now);
  void end_arrivals();
  /// INGESTION began again: what it had under way is acknowledged to nobody.
  void forget_arrivals();
  /// GATEWAY: events that arrived now go to another node, and stand in no backlog until
  /// end_away() of that time.
  int64_t begin_away(const now_fn& now);
  void end_away(int64_t arrived_us);

  /// What is read, or asked of a partition, after this call has every acknowledged event
  /// that arrived before the time it returns: of all pages, or of one whose key's
  /// partition is `home` (once records of it below `applied` are, when that is given).
  int64_t as_of_all(const now_fn& now) const;
  int64_t as_of_page(uint32_t home, const now_fn& now, std::optional<int64_t> applied = {}) const;
  /// The same for what partition `home` hands to its own page, when records below `applied`
  /// are; 0 where others may have sent it more.
  int64_t as_of_delta(uint32_t home, const now_fn& now, int64_t applied) const;

  /// Partitions that pages live in: those of the start.
  uint32_t homes() const noexcept { return homes_; }
  /// A node without a store hears of these, and how many of them pages live in. One thread.
  void hear_of(const std::vector<partition_state>& all, uint32_t homes, bool may_go_back,
               int64_t steady_us);
  /// There are partitions that were not there at the start, and may have clicks of any page.
  bool has_grown() const noexcept { return parts.size() != homes_; }

private:
  int64_t newest_bound(const now_fn& now) const;

  std::atomic<uint32_t> homes_;      ///< With more, pages have clicks in two partitions.
  mutable std::mutex cluster_mutex_; ///< The three that follow.
  std::vector<link_status> links_;
  std::string replaced_;
  cluster_view cluster_;
  mutable std::mutex arrivals_;
  std::optional<int64_t> arriving_us_;
  std::multiset<int64_t> away_us_; ///< The same for events at other nodes.
};

} // namespace footfall
