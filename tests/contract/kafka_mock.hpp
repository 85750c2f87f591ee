#pragma once

#include <stdexcept>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "net/kafka/client.hpp"
#include "tests/contract/await.hpp"

namespace footfall::test {

/// librdkafka's own brokers for tests, for what real ones cannot be made to do at
/// the right moment. They have one topic of four partitions, unless told otherwise.
struct mock_brokers {
  explicit mock_brokers(int count = 1, int partitions = 4) {
    char text[256];
    auto* conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, nullptr);
    owner.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text));
    cluster.reset(rd_kafka_mock_cluster_new(owner.get(), count));
    rd_kafka_mock_topic_create(cluster.get(), "clicks", partitions, 1);
    config.brokers = rd_kafka_mock_cluster_bootstraps(cluster.get());
    config.group.clear();
    config.open_timeout = std::chrono::milliseconds{2'000}; // they do not describe their topics
  }
  struct destroy {
    void operator()(rd_kafka_mock_cluster_t* x) const { rd_kafka_mock_cluster_destroy(x); }
  };
  kafka::client_ptr owner;
  std::unique_ptr<rd_kafka_mock_cluster_t, destroy> cluster;
  kafka_config config;
};

/// Its number in Kafka's protocol.
inline constexpr int16_t produce_request = 0;

inline std::unique_ptr<event_log> open_log(kafka_config config) {
  auto log = kafka_log::open(std::move(config));
  if (!log)
    throw std::runtime_error(text_of(log.error()));
  return std::move(*log);
}

inline append_outcome append_one(event_log& log, const char* value, uint32_t partition = 0) {
  answer<std::vector<append_outcome>> reply;
  log.append({{partition, "k", value}}, reply.callback());
  return reply.get().at(0);
}

} // namespace footfall::test
