#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/ports/event_log.hpp"

namespace footfall {

namespace kafka {
class broker_health;
class consumer;
class onlooker;
class prober;
class producer;
} // namespace kafka

/// How the event log reaches Kafka. The defaults are the product's.
struct kafka_config {
  std::string brokers; ///< "host:port", several separated by commas (KAFKA_BROKER).
  std::string topic = "clicks";
  uint32_t partitions = 4;  ///< Of a topic that is created now; an existing one keeps its own.
  uint16_t replication = 0; ///< Copies in a topic that is created now; 0: the broker's default.
  /// How many of them confirm an event, in a topic that is created now; 0: the broker's default.
  uint16_t min_insync = 0;
  std::chrono::milliseconds open_timeout{10'000};
  std::chrono::milliseconds linger{5};               ///< Between two bunches of many clients.
  size_t linger_from = 32;                           ///< Records: a bunch of so many had many.
  std::chrono::milliseconds message_timeout{30'000}; ///< Then the outcome is `unknown`.
  std::chrono::milliseconds request_timeout{10'000}; ///< One request to a broker that is silent.
  std::chrono::milliseconds stalled_after{5'000};    ///< Unconfirmed appends make it unhealthy.
  std::chrono::milliseconds close_timeout{2'000};    ///< To confirm what is open at the end.
  size_t append_bytes_max = size_t{64} << 20;        ///< Appended and not yet confirmed.
  size_t append_records_max = 200'000;
  size_t looks_max = 10'000;                 ///< That wait for their answer.
  size_t fetch_bytes_max = size_t{64} << 20; ///< Read ahead, all partitions together.
  /// Where lag dashboards find how far the node is. Never read by Footfall itself;
  /// empty: nothing is written.
  std::string group = "footfall";
  /// Properties of librdkafka, for TLS and SASL and what an operator gives; what Footfall itself
  /// sets (net/kafka/properties.hpp) wins. "sasl.oauthbearer.config" is the path of a file with
  /// a bearer token.
  std::vector<std::pair<std::string, std::string>> properties;
  /// Gets what librdkafka has to say; any thread, must not block. May be empty.
  std::function<void(const std::string&)> report;
};

/// The event log as a Kafka topic. One record is one event; the record's key
/// decides its partition as every Kafka client does (model::partition_of).
///
/// Appends go through an idempotent producer with acks=all and are answered by
/// its delivery report. Positions come from the caller alone: no consumer group,
/// no stored offset, no automatic reset (docs/adr/0021-offsets-without-records.md).
class kafka_log final : public event_log {
public:
  /// Connects and creates the topic when it is missing. Blocks, at most a little
  /// longer than `open_timeout`.
  /// @returns errc::log_unavailable when no broker answers in time, or
  /// errc::invalid_argument when the topic, a setting or the credentials cannot be used.
  static caf::expected<std::unique_ptr<event_log>> open(kafka_config config);

  ~kafka_log() override;

  const std::string& topic() const override { return config_.topic; }
  uint32_t partitions() const override { return partitions_; }
  uint32_t partitions_found() const override;
  void append(std::vector<log_record> batch, append_done done) override;
  /// A batch that was too large goes once more, in pieces.
  std::chrono::microseconds overtaken_most() const override { return 2 * config_.message_timeout; }
  void fetch(uint32_t partition, int64_t from, fetch_limits most, fetch_done done) override;
  void look(uint32_t partition, int64_t offset, look_done done) override;
  void applied(uint32_t partition, int64_t below) override;
  void close(uint32_t partition) override;
  std::string health() const override;
  std::optional<int64_t> heard_us() const override;

private:
  explicit kafka_log(kafka_config config);

  kafka_config config_;
  uint32_t partitions_ = 0;
  std::unique_ptr<kafka::broker_health> health_;
  std::unique_ptr<kafka::producer> producer_;
  std::unique_ptr<kafka::consumer> consumer_;
  std::unique_ptr<kafka::onlooker> onlooker_;
  std::unique_ptr<kafka::prober> prober_;
};

} // namespace footfall
