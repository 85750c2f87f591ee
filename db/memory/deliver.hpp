#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <utility>

namespace footfall {

/// Runs callbacks at once, or keeps them until a test lets them go.
/// Any thread; callbacks run without a lock held.
class deliveries {
public:
  using callback = std::function<void()>;

  explicit deliveries(bool manual) : manual_(manual) {}

  void deliver(callback run) {
    if (!manual_)
      return run();
    std::lock_guard guard{lock_};
    waiting_.push_back(std::move(run));
  }

  size_t waiting() const {
    std::lock_guard guard{lock_};
    return waiting_.size();
  }

  /// Runs the oldest `most` callbacks that wait. @returns how many ran.
  size_t release(size_t most) {
    size_t ran = 0;
    for (; ran < most; ++ran) {
      callback run;
      {
        std::lock_guard guard{lock_};
        if (waiting_.empty())
          break;
        run = std::move(waiting_.front());
        waiting_.pop_front();
      }
      run();
    }
    return ran;
  }

private:
  const bool manual_;
  mutable std::mutex lock_;
  std::deque<callback> waiting_;
};

} // namespace footfall
