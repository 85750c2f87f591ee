#pragma once

#include <deque>
#include <thread>
#include <utility>

#include "net/kafka/client.hpp"

namespace footfall::kafka {

/// Reads partitions from positions that the caller names: no group, no stored
/// offset, no reset. Every partition that is read has a bounded queue of its own,
/// which librdkafka fills ahead; it is polled one message at a time, by one thread,
/// and only while a fetch is open. So a slow reader of one partition holds up
/// nothing else, without pause, resume or seek (their bugs in librdkafka 2.0.2
/// lose records). Offsets without a record are passed over; how a loss is told from
/// them: docs/adr/0021-offsets-without-records.md.
class consumer final : private client_events {
public:
  static caf::expected<std::unique_ptr<consumer>> open(const kafka_config& config,
                                                       uint32_t partitions, broker_health& health);
  ~consumer() override;

  /// Those that can be read.
  uint32_t partitions() const noexcept { return partitions_; }
  /// The topic has so many now; any thread.
  void found(uint32_t partitions);
  void fetch(uint32_t partition, int64_t from, fetch_limits most, event_log::fetch_done done);
  void applied(uint32_t partition, int64_t below);
  void close(uint32_t partition);

  /// Empty unless a partition cannot be read.
  std::string health() const;
  /// When a broker last told of records that had not been there, by steady_now().
  int64_t heard_us() const { return heard_us_; }

private:
  using steady = std::chrono::steady_clock;

  struct request {
    uint32_t partition = 0;
    int64_t from = 0;
    fetch_limits most;
    event_log::fetch_done done;
    bool closes = false; ///< It is no fetch: nobody reads the partition now.
  };

  /// What the thread knows of one partition.
  struct part {
    queue_ptr queue;             ///< Set while it is being read.
    message_ptr held;            ///< Read, but not delivered yet.
    int64_t next = 0;            ///< Records below were delivered.
    int64_t beyond_end = -1;     ///< The log ended before this offset, when it was asked.
    steady::time_point start_at; ///< Not before: a pause after an error.
    bool asked = false;
    int64_t known_end = 0; ///< Of the log, as a broker told last with what it sent.
    request open;
  };

  consumer(const kafka_config& config, uint32_t partitions, broker_health& health);
  caf::error start();
  void run();
  void take_requests();
  void hear();
  void serve(uint32_t id);
  void begin(uint32_t id);
  void end(uint32_t id, std::chrono::milliseconds pause);
  message_ptr next_message(part& x);
  void deliver(uint32_t id, log_batch batch);
  void fail(uint32_t id, errc code, std::string text);
  void failed_message(uint32_t id, const rd_kafka_message_t& message);
  void missing(uint32_t id);
  void trouble(uint32_t id, const std::string& text);
  std::pair<int64_t, int64_t> known_range(uint32_t id) const;
  void report_progress();
  void grow(uint32_t partitions);
  void on_error(rd_kafka_resp_err_t code, const char* reason) override;
  void on_log(const std::string& line) override;

  const kafka_config& config_;
  broker_health& health_;
  wake_signal signal_;
  client_ptr client_;
  topic_ptr topic_;
  queue_ptr main_;
  std::vector<part> parts_; ///< Of the thread.
  std::atomic<uint32_t> partitions_;
  std::atomic<uint32_t> found_{0};
  std::atomic<int64_t> heard_us_{0};
  steady::time_point next_report_, next_hear_;

  mutable std::mutex mutex_; ///< What follows.
  std::deque<request> requests_;
  std::vector<int64_t> applied_;
  bool applied_changed_ = false;
  std::string trouble_;
  steady::time_point trouble_at_;

  std::atomic<bool> stop_{false};
  std::thread thread_;
};

} // namespace footfall::kafka
