#pragma once

#include <chrono>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <vector>

namespace footfall::sqlite {

/// Calls that wait for the one thread that does them, at most so many and so heavy.
/// A thread that sleeps is woken once for all that come until it looks.
template <class Call>
class call_queue {
public:
  call_queue(size_t calls_max, size_t weight_max)
      : calls_max_(calls_max), weight_max_(weight_max) {}

  enum class answer { taken, full, closed };

  /// `call` is untouched unless taken.
  answer push(Call& call, size_t weight = 0) {
    {
      std::lock_guard guard{lock_};
      if (closed_)
        return answer::closed;
      if (calls_.size() >= calls_max_ || (weight_ > 0 && weight_ + weight > weight_max_))
        return answer::full;
      weight_ += weight;
      calls_.push_back(std::move(call));
      if (calls_.size() > 1)
        return answer::taken;
    }
    wakes_.notify_one();
    return answer::taken;
  }

  /// Whether no call comes for so long, and the queue is open.
  bool is_idle_for(std::chrono::milliseconds time) {
    std::unique_lock guard{lock_};
    return !wakes_.wait_for(guard, time, [&] { return closed_ || !calls_.empty(); });
  }

  /// Waits for calls and moves them all to `out`. @returns false when closed and empty.
  bool take(std::vector<Call>& out) {
    std::unique_lock guard{lock_};
    wakes_.wait(guard, [&] { return closed_ || !calls_.empty(); });
    return move_to(out);
  }

  /// Adds what there is to `out`, without waiting.
  void take_now(std::vector<Call>& out) {
    std::lock_guard guard{lock_};
    out.insert(out.end(), std::make_move_iterator(calls_.begin()),
               std::make_move_iterator(calls_.end()));
    calls_.clear();
    weight_ = 0;
  }

  void close() {
    {
      std::lock_guard guard{lock_};
      closed_ = true;
    }
    wakes_.notify_all();
  }

private:
  bool move_to(std::vector<Call>& out) {
    out.swap(calls_);
    calls_.clear();
    weight_ = 0;
    return !out.empty();
  }

  const size_t calls_max_;
  const size_t weight_max_;
  std::mutex lock_;
  std::condition_variable wakes_;
  std::vector<Call> calls_;
  size_t weight_ = 0;
  bool closed_ = false;
};

} // namespace footfall::sqlite
