#pragma once

#include "net/kafka/client.hpp"
#include "tests/contract/rigs.hpp"

namespace footfall::test {

/// A topic of its own, deleted at the end, on the broker at `address`.
std::unique_ptr<log_rig> make_kafka_log_rig(const std::string& address);

/// A transaction of another producer, open from the start.
class kafka_transaction {
public:
  kafka_transaction(const std::string& address, const std::string& topic);
  void send(uint32_t partition, const std::string& key, const std::string& value);
  void commit();
  void abort();

private:
  static void check(rd_kafka_error_t* error);

  kafka::client_ptr client_;
  std::string topic_;
};

/// A name that no other test uses.
std::string new_kafka_topic();

/// One past the last offset that a reader of committed records gets to.
int64_t kafka_end(const std::string& address, const std::string& topic, uint32_t partition);

/// Deletes the records of a partition below `below`, as retention would.
void delete_kafka_records(const std::string& address, const std::string& topic, uint32_t partition,
                          int64_t below);
void delete_kafka_topic(const std::string& address, const std::string& topic);

/// Gives a topic more partitions, so many in all.
void add_kafka_partitions(const std::string& address, const std::string& topic, size_t total);

/// Sets one property of a topic.
void set_kafka_topic(const std::string& address, const std::string& topic, const std::string& name,
                     const std::string& value);

/// Creates a topic with one property of the topic set.
void create_kafka_topic(const std::string& address, const std::string& topic, int partitions,
                        const std::string& name, const std::string& value);

} // namespace footfall::test
