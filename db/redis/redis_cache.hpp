#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <caf/expected.hpp>

#include "actors/ports/cache.hpp"
#include "actors/ports/clock.hpp"
#include "actors/ports/metrics.hpp"

namespace footfall {

struct redis_config {
  std::string host = "127.0.0.1";
  uint16_t port = 6379;
  std::string username; ///< Empty: Redis' default user.
  std::string password; ///< Empty: none is sent.
  std::string identity; ///< store::identity(): part of every key.
  std::chrono::milliseconds ttl{30'000};
  std::chrono::milliseconds get_time_max{50}; ///< Later answers are misses.
  size_t gets_max = 4096;                     ///< Lookups that may wait; beyond: misses.
  size_t fills_max = 8192;                    ///< Beyond, the oldest are dropped.
  size_t advances_max = 16384;                ///< Beyond, the oldest are dropped.
  size_t page_users_max = 100'000;            ///< A page with more starts over.
  metrics* counts = nullptr;                  ///< Its errors; outlives the cache; may be missing.
  now_fn steady = steady_now;                 ///< The clock that fills were read by.
};

/// The cache in Redis: one connection, one thread. All is sent as it comes, pipelined:
/// fills and advances in groups, compared and set inside Redis, and always before the
/// lookups that came after them. Without a working connection every lookup misses at
/// once, and the thread tries again with growing pauses: a connection counts as working
/// when it has answered, so a try is the breaker's probe.
///
/// Redis may be flushed, full, slow or gone: that costs latency. Whenever an advance
/// may not have reached it (its connection broke, it refused one, too many waited), or
/// forget() says so, the cache begins anew: its keys get another number, and what stands
/// under an earlier one is never read again. So does a process that starts: nobody knows
/// what the one before it still had to say. Two nodes on one Redis therefore share nothing.
class redis_cache final : public cache {
public:
  /// Does not wait for Redis. Fails on a config that makes no sense.
  static caf::expected<std::unique_ptr<redis_cache>> open(redis_config config);
  ~redis_cache() override;

  void get(std::vector<cache_ask> keys, get_done done) override;
  void fill(std::vector<cache_fill> values) override;
  void advance(std::vector<cache_advance> pages) override;
  void forget() override;
  std::string health() const override;

  /// Fills and advances that Redis has not answered yet.
  size_t waiting() const;

private:
  class worker;
  using steady = std::chrono::steady_clock;
  struct lookup {
    std::vector<cache_ask> keys;
    get_done done;
    steady::time_point until;
  };
  struct aged_fill {
    cache_fill value;
    steady::time_point since; ///< When its reading began.
  };

  explicit redis_cache(redis_config config);
  void miss(lookup x);
  void wake();

  const redis_config config_;
  std::atomic<bool> working_{true}; ///< At first lookups wait for the first try.
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::deque<lookup> gets_;
  std::deque<aged_fill> fills_;
  std::deque<cache_advance> advances_;
  size_t sent_ = 0;   ///< Fills and advances under way.
  bool lost_ = false; ///< An advance was dropped here, or elsewhere.
  std::string health_;
  std::string refusal_; ///< What Redis answered instead of doing it; shown for a while.
  steady::time_point refused_until_{};
  int wake_ = -1;
  std::thread thread_;
};

} // namespace footfall
