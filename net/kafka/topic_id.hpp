#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace footfall::kafka {

/// The id that a cluster gave a topic when it was made, as Kafka's tools print it: librdkafka
/// 2.0 has no call for it. Asks one of `brokers` ("host:port") after the other without TLS;
/// one that is silent takes a share of the time. Blocks for no longer than `most`, and for as
/// long as the names of brokers take to be resolved.
/// @returns empty when none of them tells it (before Kafka 2.8, or while the topic is gone).
std::string topic_id(const std::vector<std::string>& brokers, const std::string& topic,
                     std::chrono::milliseconds most);

/// What topic_id sends, and how it reads the answer. @returns empty where there is no id.
std::string topic_id_request(const std::string& topic);
std::string read_topic_id(const std::string& answer);

} // namespace footfall::kafka
