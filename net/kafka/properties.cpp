#include "net/kafka/properties.hpp"

#include <algorithm>
#include <memory>

#include <librdkafka/rdkafka.h>

namespace footfall::kafka {

namespace {

struct reserved {
  std::string_view name;
  std::string_view why;
};

constexpr std::string_view confirmed =
    "an accepted event is one that every replica in sync has confirmed, once and in its order";
constexpr std::string_view in_time = "what clients are answered, and when, reckons with it";
constexpr std::string_view bounded = "Footfall gathers what it sends and bounds what it holds";
constexpr std::string_view positions =
    "how far the log was read stands in the store, beside what was counted";
constexpr std::string_view partitioned = "a page's partition is Footfall's to decide";
constexpr std::string_view asked = "what the brokers can do is asked of them";
constexpr std::string_view told = "what librdkafka does is told by Footfall's log and metrics";
constexpr std::string_view unsigned_token =
    "a token that nobody signed proves nothing; give --kafka-sasl-token-file "
    "(KAFKA_SASL_TOKEN_FILE)";

constexpr reserved all_reserved[] = {
    {"bootstrap.servers", "give --kafka-broker (KAFKA_BROKER)"},
    {"metadata.broker.list", "give --kafka-broker (KAFKA_BROKER)"},
    {"security.protocol", "give --kafka-security-protocol (KAFKA_SECURITY_PROTOCOL)"},
    {"sasl.mechanism", "give --kafka-sasl-mechanism (KAFKA_SASL_MECHANISM)"},
    {"sasl.mechanisms", "give --kafka-sasl-mechanism (KAFKA_SASL_MECHANISM)"},
    {"sasl.username", "give --kafka-sasl-username (KAFKA_SASL_USERNAME)"},
    {"sasl.password", "give --kafka-sasl-password (KAFKA_SASL_PASSWORD)"},
    {"ssl.ca.location", "give --kafka-ssl-ca-location (KAFKA_SSL_CA_LOCATION)"},
    {"ssl.certificate.location",
     "give --kafka-ssl-certificate-location (KAFKA_SSL_CERTIFICATE_LOCATION)"},
    {"ssl.key.location", "give --kafka-ssl-key-location (KAFKA_SSL_KEY_LOCATION)"},
    {"ssl.key.password", "give --kafka-ssl-key-password (KAFKA_SSL_KEY_PASSWORD)"},
    {"enable.sasl.oauthbearer.unsecure.jwt", unsigned_token},
    {"sasl.oauthbearer.config", unsigned_token},
    {"acks", confirmed},
    {"request.required.acks", confirmed},
    {"enable.idempotence", confirmed},
    {"enable.gapless.guarantee", confirmed},
    {"max.in.flight", confirmed},
    {"max.in.flight.requests.per.connection", confirmed},
    {"retries", confirmed},
    {"message.send.max.retries", confirmed},
    {"queuing.strategy", confirmed},
    {"delivery.report.only.error", confirmed},
    {"produce.offset.report", confirmed},
    {"transactional.id", confirmed},
    {"transaction.timeout.ms", confirmed},
    {"message.timeout.ms", in_time},
    {"delivery.timeout.ms", in_time},
    {"request.timeout.ms", in_time},
    {"socket.timeout.ms", in_time},
    {"socket.connection.setup.timeout.ms", in_time},
    {"socket.max.fails", in_time},
    {"socket.nagle.disable", in_time},
    {"reconnect.backoff.ms", in_time},
    {"reconnect.backoff.max.ms", in_time},
    {"linger.ms", bounded},
    {"queue.buffering.max.ms", bounded},
    {"batch.size", bounded},
    {"message.max.bytes", bounded},
    {"queue.buffering.max.kbytes", bounded},
    {"queue.buffering.max.messages", bounded},
    {"fetch.wait.max.ms", bounded},
    {"fetch.min.bytes", bounded},
    {"fetch.max.bytes", bounded},
    {"fetch.message.max.bytes", bounded},
    {"max.partition.fetch.bytes", bounded},
    {"fetch.error.backoff.ms", bounded},
    {"queued.min.messages", bounded},
    {"queued.max.messages.kbytes", bounded},
    {"group.id", positions},
    {"group.instance.id", positions},
    {"group.protocol.type", positions},
    {"partition.assignment.strategy", positions},
    {"session.timeout.ms", positions},
    {"heartbeat.interval.ms", positions},
    {"max.poll.interval.ms", positions},
    {"enable.auto.commit", positions},
    {"auto.commit.enable", positions},
    {"auto.commit.interval.ms", positions},
    {"enable.auto.offset.store", positions},
    {"auto.offset.reset", positions},
    {"enable.partition.eof", positions},
    {"isolation.level", positions},
    {"offset.store.method", positions},
    {"offset.store.path", positions},
    {"offset.store.sync.interval.ms", positions},
    {"topic.blacklist", positions},
    {"partitioner", partitioned},
    {"sticky.partitioning.linger.ms", partitioned},
    {"allow.auto.create.topics", "a topic is made as Footfall needs it, or not at all"},
    {"api.version.request", asked},
    {"api.version.fallback.ms", asked},
    {"broker.version.fallback", asked},
    {"client.id", told},
    {"log_level", told},
    {"debug", told},
    {"log.queue", told},
    {"statistics.interval.ms", told},
    {"plugin.library.paths", "it would load code into the process"},
    {"test.mock.num.brokers", "it would put brokers that keep nothing in the place of yours"},
};

struct conf_deleter {
  void operator()(rd_kafka_conf_t* x) const noexcept { rd_kafka_conf_destroy(x); }
};

} // namespace

std::string_view reserved_for(std::string_view name) {
  const auto* found = std::find_if(std::begin(all_reserved), std::end(all_reserved),
                                   [name](const reserved& x) { return x.name == name; });
  return found == std::end(all_reserved) ? std::string_view{} : found->why;
}

std::string property_fault(const std::string& name, const std::string& value) {
  if (const auto why = reserved_for(name); !why.empty())
    return name + " is not set by hand: " + std::string{why};
  const std::unique_ptr<rd_kafka_conf_t, conf_deleter> conf(rd_kafka_conf_new());
  char text[512];
  if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), text, sizeof text)
      != RD_KAFKA_CONF_OK)
    return std::string{"librdkafka refuses it: "} + text;
  return {};
}

bool is_secret_property(std::string_view name) {
  for (std::string_view part : {"password", "secret", ".pem", "oauthbearer.config"})
    if (name.find(part) != std::string_view::npos)
      return true;
  return false;
}

} // namespace footfall::kafka
