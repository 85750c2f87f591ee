#include "tests/contract/rigs_kafka.hpp"

#include <atomic>
#include <stdexcept>

#include <unistd.h>

#include "actors/ports/clock.hpp"
#include "net/kafka/client.hpp"
#include "tests/contract/await.hpp"

namespace footfall::test {

namespace {

/// A client for the broker's administration.
class kafka_admin {
public:
  explicit kafka_admin(const std::string& address) {
    auto* conf = rd_kafka_conf_new();
    char text[256];
    rd_kafka_conf_set(conf, "bootstrap.servers", address.c_str(), text, sizeof text);
    client_.reset(rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text));
    answers_.reset(rd_kafka_queue_new(client_.get()));
  }
  rd_kafka_t* client() { return client_.get(); }
  rd_kafka_queue_t* answers() { return answers_.get(); }
  /// Waits for the answer to the request that was just made.
  void finish(const std::string& what) {
    auto* event = rd_kafka_queue_poll(answers_.get(), 20'000);
    std::string error = event ? "" : "no answer";
    if (event && rd_kafka_event_error(event))
      error = rd_kafka_event_error_string(event);
    if (event)
      rd_kafka_event_destroy(event);
    if (!error.empty())
      throw std::runtime_error(what + ": " + error);
  }

private:
  kafka::client_ptr client_;
  kafka::queue_ptr answers_;
};

class kafka_log_rig final : public log_rig {
public:
  explicit kafka_log_rig(std::string address)
      : address_(std::move(address)), topic_(new_kafka_topic()) {}
  ~kafka_log_rig() override { delete_kafka_topic(address_, topic_); }

  std::unique_ptr<event_log> open() override {
    kafka_config config;
    config.brokers = address_;
    config.topic = topic_;
    config.append_records_max = batch_records_max();
    auto log = kafka_log::open(config);
    if (!log)
      throw std::runtime_error(text_of(log.error()));
    return std::move(*log);
  }
  bool trim(event_log& log, uint32_t partition, int64_t below) override {
    log.applied(partition, below);
    delete_kafka_records(address_, topic_, partition, below);
    return true;
  }
  // Two records that are aborted, and the marker.
  bool leave_hole(event_log&, uint32_t partition) override {
    kafka_transaction transaction(address_, topic_);
    transaction.send(partition, "k", "aborted");
    transaction.send(partition, "k", "aborted");
    const auto before = kafka_end(address_, topic_, partition);
    transaction.abort();
    // The marker is written a moment later.
    return eventually([&] { return kafka_end(address_, topic_, partition) == before + 3; });
  }
  size_t batch_records_max() const override { return 5'000; }

private:
  std::string address_;
  std::string topic_;
};

} // namespace

kafka_transaction::kafka_transaction(const std::string& address, const std::string& topic)
    : topic_(topic) {
  auto* conf = rd_kafka_conf_new();
  char text[256];
  rd_kafka_conf_set(conf, "bootstrap.servers", address.c_str(), text, sizeof text);
  rd_kafka_conf_set(conf, "transactional.id", new_kafka_topic().c_str(), text, sizeof text);
  client_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text));
  check(rd_kafka_init_transactions(client_.get(), 20'000));
  check(rd_kafka_begin_transaction(client_.get()));
}

void kafka_transaction::send(uint32_t partition, const std::string& key, const std::string& value) {
  auto error = rd_kafka_producev(client_.get(), RD_KAFKA_V_TOPIC(topic_.c_str()),
                                 RD_KAFKA_V_PARTITION(static_cast<int32_t>(partition)),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                 RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                                 RD_KAFKA_V_KEY(key.data(), key.size()), RD_KAFKA_V_END);
  if (error)
    throw std::runtime_error(rd_kafka_err2str(error));
}

void kafka_transaction::commit() {
  check(rd_kafka_commit_transaction(client_.get(), 20'000));
}

// What was never sent would leave no trace.
void kafka_transaction::abort() {
  rd_kafka_flush(client_.get(), 20'000);
  check(rd_kafka_abort_transaction(client_.get(), 20'000));
}

void kafka_transaction::check(rd_kafka_error_t* error) {
  if (!error)
    return;
  const std::string text = rd_kafka_error_string(error);
  rd_kafka_error_destroy(error);
  throw std::runtime_error(text);
}

std::string new_kafka_topic() {
  static std::atomic<int> count{0};
  return "test-" + std::to_string(system_now_us()) + "-" + std::to_string(getpid()) + "-"
         + std::to_string(++count);
}

int64_t kafka_end(const std::string& address, const std::string& topic, uint32_t partition) {
  kafka_admin admin(address);
  int64_t low = -1;
  int64_t high = -1;
  rd_kafka_query_watermark_offsets(admin.client(), topic.c_str(), static_cast<int32_t>(partition),
                                   &low, &high, 20'000);
  return high;
}

void delete_kafka_records(const std::string& address, const std::string& topic, uint32_t partition,
                          int64_t below) {
  kafka_admin admin(address);
  auto* offsets = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(offsets, topic.c_str(), static_cast<int32_t>(partition))
      ->offset = below;
  auto* request = rd_kafka_DeleteRecords_new(offsets);
  rd_kafka_topic_partition_list_destroy(offsets);
  rd_kafka_DeleteRecords(admin.client(), &request, 1, nullptr, admin.answers());
  rd_kafka_DeleteRecords_destroy(request);
  admin.finish("delete records of " + topic);
}

void delete_kafka_topic(const std::string& address, const std::string& topic) {
  kafka_admin admin(address);
  auto* request = rd_kafka_DeleteTopic_new(topic.c_str());
  rd_kafka_DeleteTopics(admin.client(), &request, 1, nullptr, admin.answers());
  rd_kafka_DeleteTopic_destroy(request);
  admin.finish("delete " + topic);
}

void create_kafka_topic(const std::string& address, const std::string& topic, int partitions,
                        const std::string& name, const std::string& value) {
  kafka_admin admin(address);
  char text[256];
  auto* request = rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, text, sizeof text);
  rd_kafka_NewTopic_set_config(request, name.c_str(), value.c_str());
  rd_kafka_CreateTopics(admin.client(), &request, 1, nullptr, admin.answers());
  rd_kafka_NewTopic_destroy(request);
  admin.finish("create " + topic);
}

void add_kafka_partitions(const std::string& address, const std::string& topic, size_t total) {
  kafka_admin admin(address);
  char text[256];
  auto* request = rd_kafka_NewPartitions_new(topic.c_str(), total, text, sizeof text);
  rd_kafka_CreatePartitions(admin.client(), &request, 1, nullptr, admin.answers());
  rd_kafka_NewPartitions_destroy(request);
  admin.finish("add partitions to " + topic);
}

void set_kafka_topic(const std::string& address, const std::string& topic, const std::string& name,
                     const std::string& value) {
  kafka_admin admin(address);
  auto* request = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
  rd_kafka_ConfigResource_set_config(request, name.c_str(), value.c_str());
  rd_kafka_AlterConfigs(admin.client(), &request, 1, nullptr, admin.answers());
  rd_kafka_ConfigResource_destroy(request);
  admin.finish("set " + name + " of " + topic);
}

std::unique_ptr<log_rig> make_kafka_log_rig(const std::string& address) {
  return std::make_unique<kafka_log_rig>(address);
}

} // namespace footfall::test
