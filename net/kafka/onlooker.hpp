#pragma once

#include <deque>
#include <future>
#include <map>
#include <thread>

#include "actors/ports/clock.hpp"
#include "net/kafka/range.hpp"
#include "net/kafka/topic.hpp"

namespace footfall::kafka {

/// Says what the topic is and holds, beside those that read and write it: a client, and a
/// thread that answers together what was asked for meanwhile.
///
/// The topic is known by the cluster's id and its own. Where that is not told (TLS, SASL,
/// brokers before 2.8), that it was made anew shows in its records alone (log_view::at).
class onlooker final : private client_events {
public:
  using found_more = std::function<void(uint32_t partitions)>;

  /// Asks every few seconds what the topic is, and tells `found` how many partitions it has.
  static caf::expected<std::unique_ptr<onlooker>> open(const kafka_config& config,
                                                       broker_health& health, found_more found);
  ~onlooker() override;

  void look(uint32_t partition, int64_t offset, event_log::look_done done);

  /// Empty unless the topic is not there.
  std::string health() const;
  /// When a broker last said what the topic is, by steady_now().
  int64_t heard_us() const { return heard_us_; }

private:
  using steady = std::chrono::steady_clock;

  struct request {
    uint32_t partition = 0;
    int64_t offset = -1;
    event_log::look_done done;
    log_view view;
  };

  struct seen {
    std::map<uint32_t, partition_range> ranges;
    std::string identity;
  };

  onlooker(const kafka_config& config, broker_health& health, found_more found);
  caf::error start();
  void run();
  void answer(std::deque<request> asked);
  void ask_topic();
  seen look_at_topic(const std::deque<request>& asked);
  std::map<uint32_t, partition_range> ranges_of(const std::deque<request>& asked);
  void read(std::deque<request> all);
  /// Of different partitions.
  void read_together(std::map<uint32_t, request> all);
  void take_record(request& x, const deadline& until);
  std::string identity();
  std::string topic_identity();
  bool is_plain() const;
  void fail(const request& x, rd_kafka_resp_err_t code);
  void on_error(rd_kafka_resp_err_t code, const char* reason) override;
  void on_log(const std::string& line) override;

  const kafka_config& config_;
  broker_health& health_;
  const found_more found_;
  client_ptr client_;
  topic_ptr topic_;
  topic_state state_;       ///< As a broker told last.
  bool is_doubted_ = false; ///< It may be another by now.
  steady::time_point next_ask_;
  std::string identity_; ///< As it was told last.
  std::future<std::string> asked_topic_id_;
  steady::time_point ask_again_;

  mutable std::mutex mutex_; ///< requests_, trouble_
  std::condition_variable wakes_;
  std::deque<request> requests_;
  std::string trouble_;
  std::atomic<int64_t> heard_us_{steady_now()};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

} // namespace footfall::kafka
