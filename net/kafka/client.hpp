#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <librdkafka/rdkafka.h>

#include "net/kafka/kafka_log.hpp"

namespace footfall::kafka {

struct client_deleter {
  void operator()(rd_kafka_t* x) const noexcept;
};
struct topic_deleter {
  void operator()(rd_kafka_topic_t* x) const noexcept { rd_kafka_topic_destroy(x); }
};
struct queue_deleter {
  void operator()(rd_kafka_queue_t* x) const noexcept;
};
struct message_deleter {
  void operator()(rd_kafka_message_t* x) const noexcept { rd_kafka_message_destroy(x); }
};
using client_ptr = std::unique_ptr<rd_kafka_t, client_deleter>;
using topic_ptr = std::unique_ptr<rd_kafka_topic_t, topic_deleter>;
using queue_ptr = std::unique_ptr<rd_kafka_queue_t, queue_deleter>;
using message_ptr = std::unique_ptr<rd_kafka_message_t, message_deleter>;

/// When something that blocks is to give up.
class deadline {
public:
  explicit deadline(std::chrono::milliseconds most)
      : at_(std::chrono::steady_clock::now() + most) {}
  bool over() const { return std::chrono::steady_clock::now() >= at_; }
  /// What is left, at most `most` and at least one millisecond.
  int left_ms(int most = std::numeric_limits<int>::max()) const;

private:
  std::chrono::steady_clock::time_point at_;
};

/// Wakes the one thread that waits. Any thread may notify.
class wake_signal {
public:
  void notify();
  /// Returns at once when it was notified since the last wait.
  void wait_for(std::chrono::microseconds most);

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool notified_ = false;
};

/// Whether any broker can be used, and why not. Any thread.
class broker_health {
public:
  explicit broker_health(std::string brokers) : brokers_(std::move(brokers)) {}
  /// What librdkafka says of one broker, or of all of them; other errors change nothing.
  void heed(rd_kafka_resp_err_t code, const char* reason);
  void up();
  bool is_down() const noexcept { return down_.load(std::memory_order_relaxed); }
  /// It is down, and the last that was said of a broker is that it does not take our
  /// credentials: not that it could not be reached.
  bool is_refused() const;
  /// Empty when a broker can be reached, else a sentence.
  std::string text() const;

private:
  const std::string brokers_;
  std::atomic<bool> down_{false};
  mutable std::mutex mutex_;
  bool refused_ = false;
  std::string why_;
};

/// What librdkafka calls back. Outlives its client.
class client_events {
public:
  virtual ~client_events() = default;
  /// On the thread that polls the client.
  virtual void on_error(rd_kafka_resp_err_t code, const char* reason) = 0;
  virtual void on_delivered(const rd_kafka_message_t&) {}
  /// Any thread.
  virtual void on_log(const std::string& line) = 0;
};

/// Tells the node's health, and the log, what a client sees. For clients that
/// outlive neither.
class health_events final : public client_events {
public:
  health_events(const kafka_config& config, broker_health& health)
      : config_(config), health_(health) {}
  void on_error(rd_kafka_resp_err_t code, const char* reason) override;
  void on_log(const std::string& line) override;

private:
  const kafka_config& config_;
  broker_health& health_;
};

using property_list = std::vector<std::pair<std::string, std::string>>;

/// Creates a client; `events` and `config` outlive it. The user's properties are
/// set first and `ours` after them, so that safety is not a matter of settings.
/// @returns errc::invalid_argument with librdkafka's text for a wrong property.
caf::expected<client_ptr> make_client(rd_kafka_type_t type, const kafka_config& config,
                                      const property_list& ours, client_events& events);

/// The topic of a client, with the properties of the topic.
caf::expected<topic_ptr> make_topic(rd_kafka_t* client, const kafka_config& config,
                                    const property_list& properties);

/// The main queue of a client, waking `signal` whenever something arrives.
queue_ptr main_queue(rd_kafka_t* client, wake_signal& signal);

/// A new queue that wakes `signal` whenever it was empty and gets something.
queue_ptr new_queue(rd_kafka_t* client, wake_signal& signal);

/// Our code of a librdkafka error.
errc errc_of(rd_kafka_resp_err_t code) noexcept;

inline std::string milliseconds_text(std::chrono::milliseconds x) {
  return std::to_string(x.count());
}

} // namespace footfall::kafka
