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

/// Keeps callbacks for as long as it shall hold, and runs them then, in their order.
class held_back {
public:
  using callback = deliveries::callback;

  /// Keeps it and says so while it holds.
  bool keep(callback run) {
    std::lock_guard guard{lock_};
    if (holds_)
      waiting_.push_back(std::move(run));
    return holds_;
  }

  void hold(bool on) {
    std::deque<callback> due;
    {
      std::lock_guard guard{lock_};
      holds_ = on;
      if (!on)
        due.swap(waiting_);
    }
    for (auto& run : due)
      run();
  }

private:
  std::mutex lock_;
  bool holds_ = false;
  std::deque<callback> waiting_;
};

} // namespace footfall
