#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

#include <caf/expected.hpp>

namespace footfall::test {

inline constexpr std::chrono::seconds patience{30};

/// What a call will answer through its callback. A second answer ends the program.
template <class T>
class answer {
public:
  answer() : promise_(std::make_shared<std::promise<T>>()), future_(promise_->get_future()) {}

  auto callback() {
    return [promise = promise_](T x) { promise->set_value(std::move(x)); };
  }
  bool is_ready() const {
    return future_.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
  }
  T get() {
    if (future_.wait_for(patience) != std::future_status::ready)
      throw std::runtime_error("no answer in time");
    return future_.get();
  }

private:
  std::shared_ptr<std::promise<T>> promise_;
  std::future<T> future_;
};

/// Waits until `holds()`, at most so long, trying again every millisecond. @returns whether it did.
template <class Condition>
bool eventually(Condition holds, std::chrono::milliseconds most = patience) {
  const auto end = std::chrono::steady_clock::now() + most;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

} // namespace footfall::test
