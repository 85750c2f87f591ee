#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "actors/ports/clock.hpp"
#include "net/kafka/topic.hpp"

namespace footfall::kafka {

/// Asks each second whether brokers answer, by a connection that is given up soon when they do not:
/// where packets are lost, a connection that hangs is not yet a log that is gone
/// (docs/adr/0053-a-third-way.md). What is wrong with the log, the other clients tell.
class prober final : private client_events {
public:
  static caf::expected<std::unique_ptr<prober>> open(const kafka_config& config);
  ~prober() override;

  /// Asks no more. The end waits for what is under way, 2 s at most.
  void stop();

  /// When a broker last answered, by steady_now(). Any thread.
  int64_t heard_us() const { return heard_us_; }

private:
  prober() = default;
  void run();
  void on_error(rd_kafka_resp_err_t, const char*) override {}
  void on_log(const std::string&) override {}

  client_ptr client_;
  topic_ptr topic_;
  std::atomic<int64_t> heard_us_{0};
  std::mutex mutex_; ///< stop_
  std::condition_variable stops_;
  bool stop_ = false;
  std::thread thread_;
};

} // namespace footfall::kafka
