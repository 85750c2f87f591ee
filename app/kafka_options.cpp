#include "app/kafka_options.hpp"

#include <algorithm>

#include "net/kafka/properties.hpp"

namespace footfall::app {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  return first == std::string_view::npos
             ? std::string_view{}
             : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// A name may be shown, unless it is the rest of a secret that has a semicolon.
std::string fault_of(std::string_view name, std::string_view value, const kafka_properties& before,
                     size_t number) {
  const auto place = "item " + std::to_string(number) + " ";
  if (name.empty())
    return place + "is no name=value (items are separated by semicolons)";
  const bool is_twice = std::any_of(before.all.begin(), before.all.end(),
                                    [name](const auto& x) { return x.first == name; });
  if (is_twice)
    return place + "sets what another one sets";
  auto fault = kafka::property_fault(std::string{name}, std::string{value});
  if (fault.empty())
    return {};
  if (!before.secrets.empty() && kafka::reserved_for(name).empty())
    return place + "is refused by librdkafka; a value holds no semicolon";
  return kafka::is_secret_property(name) && kafka::reserved_for(name).empty()
             ? place + "is refused by librdkafka: the value of " + std::string{name}
             : fault;
}

bool holds(const std::string& properties, std::string_view name, std::string_view value) {
  const auto read = read_kafka_properties(properties);
  return std::any_of(read.all.begin(), read.all.end(),
                     [&](const auto& x) { return x.first == name && x.second == value; });
}

} // namespace

kafka_properties read_kafka_properties(std::string_view text) {
  kafka_properties out;
  for (size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find(';'), text.size());
    const auto item = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (item.empty())
      continue;
    const auto equals = item.find('=');
    const auto name =
        equals == std::string_view::npos ? std::string_view{} : trimmed(item.substr(0, equals));
    const auto value = trimmed(item.substr(std::min(equals, item.size() - 1) + 1));
    if (kafka::is_secret_property(name))
      out.secrets.emplace_back(value);
    // Secrets that stand behind a fault are learnt all the same.
    if (out.fault.empty())
      out.fault = fault_of(name, value, out, number);
    out.all.emplace_back(name, value);
  }
  return out;
}

std::string settle_kafka(const settings& from) {
  if (from.kafka_replication > 0 && from.kafka_min_insync > from.kafka_replication)
    return "kafka-min-insync-replicas: " + std::to_string(from.kafka_min_insync)
           + " copies that confirm an event are more than the "
           + "--kafka-replication "
             "(KAFKA_REPLICATION_FACTOR) "
           + std::to_string(from.kafka_replication)
           + " that there are: no event would ever be accepted";
  const bool is_sasl = from.kafka_security_protocol.rfind("sasl", 0) == 0;
  if (is_sasl && from.kafka_sasl_mechanism == "OAUTHBEARER" && from.kafka_sasl_token_file.empty()
      && !holds(from.kafka_properties, "sasl.oauthbearer.method", "oidc"))
    return "kafka-sasl-mechanism: OAUTHBEARER needs a token; give --kafka-sasl-token-file "
           "(KAFKA_SASL_TOKEN_FILE), or sasl.oauthbearer.method=oidc in --kafka-properties "
           "(KAFKA_PROPERTIES) where librdkafka is built with it";
  return {};
}

} // namespace footfall::app
