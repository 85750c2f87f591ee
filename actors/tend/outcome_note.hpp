#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

namespace footfall {

/// How one kind of work went last: what failed is seen for a while by whoever looks once a
/// second, although it may have worked in between. Any thread; a success costs one store.
/// Times are of a clock that does not jump.
class outcome_note {
public:
  void well(int64_t steady_us) noexcept { well_us_.store(steady_us, std::memory_order_relaxed); }

  void failed(int64_t steady_us, std::string why) {
    std::lock_guard guard{mutex_};
    why_ = std::move(why);
    failed_us_.store(steady_us, std::memory_order_relaxed);
  }

  /// What fails; empty when it works, or was not tried for long.
  std::string why(int64_t steady_us) const {
    const auto failed = failed_us_.load(std::memory_order_relaxed);
    const auto age = steady_us - failed;
    if (failed == 0 || age > forgotten_us
        || (age > shown_us && well_us_.load(std::memory_order_relaxed) > failed))
      return {};
    std::lock_guard guard{mutex_};
    return why_;
  }

private:
  static constexpr int64_t shown_us = 2'000'000;
  /// Longer than anything takes that is tried again.
  static constexpr int64_t forgotten_us = 30'000'000;

  std::atomic<int64_t> well_us_{0};
  std::atomic<int64_t> failed_us_{0};
  mutable std::mutex mutex_;
  std::string why_;
};

} // namespace footfall
