#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace footfall {

using counter = std::atomic<uint64_t>;

/// Adds to a counter that many threads share; no order is implied.
inline void add(counter& x, uint64_t n = 1) noexcept {
  x.fetch_add(n, std::memory_order_relaxed);
}

/// Durations in microseconds, in buckets that double from 100 us to 26 s.
class duration_histogram {
public:
  static constexpr size_t buckets = 20; ///< The last one has no upper bound.
  static constexpr int64_t bound_us(size_t bucket) noexcept { return int64_t{100} << bucket; }
  void observe(int64_t us, uint64_t times = 1) noexcept;
  uint64_t in_bucket(size_t i) const noexcept { return counts_[i].load(std::memory_order_relaxed); }
  uint64_t sum_us() const noexcept { return sum_us_.load(std::memory_order_relaxed); }

private:
  std::array<counter, buckets> counts_{};
  counter sum_us_{0};
};

/// What the node counts, for /metrics. One object for a node; any thread.
struct metrics {
  // Of events, as their clients were told: each outcome once.
  counter events_accepted{0};
  counter events_rejected{0};
  counter events_unknown{0};
  counter requests_overloaded{0}; ///< Refused because a limit was reached.
  counter events_lagging{0};      ///< Refused because they would wait too long.
  counter log_appends{0};         ///< Appends that the event log answered.
  counter events_applied{0};      ///< New rows.
  counter events_duplicate{0};
  counter events_bad{0};
  counter id_conflicts{0};
  counter applies{0};
  counter apply_failures{0};
  counter partitions_fenced{0};
  counter partitions_taken{0}; ///< In a cluster: this node's from then on.
  counter partitions_lost{0};  ///< At once, not by a release.
  counter beats{0};
  counter beats_failed{0};
  counter partitions_stopped{0}; ///< Records are lost, or the log is another.
  counter folds{0};
  counter events_folded{0};
  counter pages_live{0}; ///< A gauge.
  counter pages_loaded{0};
  counter pages_passivated{0};
  counter cache_hits{0};
  counter cache_misses{0};
  counter cache_fills{0};
  counter cache_errors{0};
  counter queries_from_cache{0};
  counter queries_from_actor{0};
  counter queries_from_store{0};
  counter queries_failed{0};
  counter queries_merged{0};       ///< Answered by the lookup of an identical one.
  counter remote_queries{0};       ///< Asked of another node, which has the page.
  counter remote_events{0};        ///< Given to another node, as this one does not ingest.
  counter remote_events_lost{0};   ///< Of those: answered unknown, as that node was lost.
  counter remote_queries_again{0}; ///< Of those: asked here then, as it was lost or did not know.
  counter http_requests{0};
  counter http_bad_requests{0};
  counter http_connections{0}; ///< A gauge.
  counter http_connections_refused{0};
  counter http_streams{0}; ///< A gauge: live streams.
  counter http_streams_refused{0};
  counter tls_failures{0}; ///< HTTP connections that ended in the handshake.
  /// When the listeners' certificate ends, in seconds since 1970; 0: they go without TLS.
  std::atomic<int64_t> tls_valid_until_s{0};
  counter trace_lines_left_out{0}; ///< Of requests, as too many were told of.
  counter grpc_requests{0};
  counter grpc_connections_refused{0};
  counter actor_restarts{0};
  duration_histogram append_duration; ///< Request in to durable.
  duration_histogram freshness;       ///< Accepted to committed in the store.
  duration_histogram apply_duration;
  duration_histogram fold_duration;
  duration_histogram query_duration;
  duration_histogram remote_query_duration; ///< Of those that another node answered.
};

} // namespace footfall
