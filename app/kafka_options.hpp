#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/settings.hpp"

namespace footfall::app {

/// KAFKA_PROPERTIES: "name=value;name=value".
struct kafka_properties {
  std::string fault; ///< Empty, or what is wrong; no secret is in it.
  std::vector<std::pair<std::string, std::string>> all;
  std::vector<std::string> secrets;
};

/// Checks each of them: librdkafka knows it and takes the value, and nothing that Footfall
/// relies on is among them.
kafka_properties read_kafka_properties(std::string_view text);

/// Checks settings of Kafka against each other. @returns what is wrong, for a person.
std::string settle_kafka(const settings& from);

} // namespace footfall::app
