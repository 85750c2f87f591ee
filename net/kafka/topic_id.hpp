#pragma once

#include <chrono>
#include <string>

namespace footfall::kafka {

/// The id that a cluster gave a topic when it was made, as Kafka's tools print it: librdkafka
/// 2.0 has no call for it. Asks one of `brokers` ("host:port", with commas) without TLS.
/// Blocks for a little longer than `most` at worst.
/// @returns empty when none of them tells it (before Kafka 2.8, or while the topic is gone).
std::string topic_id(const std::string& brokers, const std::string& topic,
                     std::chrono::milliseconds most);

/// What topic_id sends, and how it reads the answer. @returns empty where there is no id.
std::string topic_id_request(const std::string& topic);
std::string read_topic_id(const std::string& answer);

} // namespace footfall::kafka
