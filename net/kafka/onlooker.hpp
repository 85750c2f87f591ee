#pragma once

#include <deque>
#include <thread>

#include "net/kafka/range.hpp"

namespace footfall::kafka {

/// Says what the topic is and holds, beside those that read and write it: a client, and a
/// thread that asks one question after the other.
///
/// The topic is known by the cluster's id and its own. Where that is not told (TLS, SASL,
/// brokers before 2.8), that it was made anew shows in its records alone (log_view::at).
class onlooker final : private client_events {
public:
  static caf::expected<std::unique_ptr<onlooker>> open(const kafka_config& config,
                                                       broker_health& health);
  ~onlooker() override;

  void look(uint32_t partition, int64_t offset, event_log::look_done done);

private:
  using steady = std::chrono::steady_clock;

  struct request {
    uint32_t partition = 0;
    int64_t offset = -1;
    event_log::look_done done;
  };

  onlooker(const kafka_config& config, broker_health& health);
  caf::error start();
  void run();
  caf::expected<log_view> answer(const request& ask);
  partition_range range_of(uint32_t partition);
  /// The record at an offset that the log holds; none where that has none.
  caf::expected<std::vector<log_entry>> read(uint32_t partition, int64_t offset);
  std::string identity();
  bool is_plain() const;
  caf::error failed(uint32_t partition, rd_kafka_resp_err_t code) const;
  void on_error(rd_kafka_resp_err_t code, const char* reason) override;
  void on_log(const std::string& line) override;

  const kafka_config& config_;
  broker_health& health_;
  client_ptr client_;
  topic_ptr topic_;
  std::string topic_id_;
  bool failed_ = false; ///< The last range was not told.
  steady::time_point ask_again_;

  std::mutex mutex_; ///< What follows.
  std::condition_variable wakes_;
  std::deque<request> requests_;
  bool stop_ = false;
  std::thread thread_;
};

} // namespace footfall::kafka
