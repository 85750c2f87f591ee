#pragma once

#include "net/kafka/kafka_log.hpp"
#include "tests/contract/rigs.hpp"

namespace footfall::test {

/// A topic of its own, deleted at the end, on the broker at `address`.
std::unique_ptr<log_rig> make_kafka_log_rig(const std::string& address);

/// A name that no other test uses.
std::string new_kafka_topic();

/// Deletes the records of a partition below `below`, as retention would.
void delete_kafka_records(const std::string& address, const std::string& topic, uint32_t partition,
                          int64_t below);
void delete_kafka_topic(const std::string& address, const std::string& topic);

/// Creates a topic with one property of the topic set.
void create_kafka_topic(const std::string& address, const std::string& topic, int partitions,
                        const std::string& name, const std::string& value);

} // namespace footfall::test
