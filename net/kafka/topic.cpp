#include "net/kafka/topic.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <thread>

namespace footfall::kafka {

namespace {

using std::chrono::milliseconds;

template <class T, void (*Destroy)(T*)>
struct destroyer {
  void operator()(T* x) const noexcept { Destroy(x); }
};
template <class T, void (*Destroy)(T*)>
using holder = std::unique_ptr<T, destroyer<T, Destroy>>;
using event_ptr = holder<rd_kafka_event_t, rd_kafka_event_destroy>;
using options_ptr = holder<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;
using new_topic_ptr = holder<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>;
using resource_ptr = holder<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy>;

/// The broker may do it when it is asked again.
bool is_passing(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__TIMED_OUT || error == RD_KAFKA_RESP_ERR__TRANSPORT
         || error == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT
         || error == RD_KAFKA_RESP_ERR_NOT_CONTROLLER;
}

bool is_final(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
         || error == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
}

options_ptr request_options(rd_kafka_t* client, rd_kafka_admin_op_t operation, int timeout_ms) {
  options_ptr out(rd_kafka_AdminOptions_new(client, operation));
  char text[256];
  rd_kafka_AdminOptions_set_request_timeout(out.get(), timeout_ms, text, sizeof text);
  return out;
}

caf::error create(rd_kafka_t* client, const kafka_config& config, const deadline& until) {
  char text[512];
  new_topic_ptr wanted(
      rd_kafka_NewTopic_new(config.topic.c_str(), static_cast<int>(config.partitions),
                            config.replication == 0 ? -1 : config.replication, text, sizeof text));
  if (!wanted)
    return make_error(errc::invalid_argument, "Kafka topic " + config.topic + ": " + text);
  // Kept explicit: a broker's defaults may differ, and what is compacted or truncated
  // before it was counted is lost.
  rd_kafka_NewTopic_set_config(wanted.get(), "cleanup.policy", "delete");
  rd_kafka_NewTopic_set_config(wanted.get(), "unclean.leader.election.enable", "false");
  if (config.min_insync > 0)
    rd_kafka_NewTopic_set_config(wanted.get(), "min.insync.replicas",
                                 std::to_string(config.min_insync).c_str());
  int timeout_ms = until.left_ms(10'000);
  auto options = request_options(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout_ms);
  rd_kafka_AdminOptions_set_operation_timeout(options.get(), timeout_ms, text, sizeof text);
  queue_ptr answers(rd_kafka_queue_new(client));
  auto* topics = wanted.get();
  rd_kafka_CreateTopics(client, &topics, 1, options.get(), answers.get());
  event_ptr event(rd_kafka_queue_poll(answers.get(), timeout_ms + 500));
  if (!event)
    return make_error(errc::log_unavailable,
                      "Kafka did not answer the creation of " + config.topic);
  auto code = rd_kafka_event_error(event.get());
  std::string why = code ? rd_kafka_event_error_string(event.get()) : "";
  if (!code) {
    size_t count = 0;
    const auto** results = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(event.get()), &count);
    if (count == 0)
      return make_error(errc::log_unavailable,
                        "Kafka did not say whether it created " + config.topic);
    code = rd_kafka_topic_result_error(results[0]);
    if (const auto* more = rd_kafka_topic_result_error_string(results[0]))
      why = more;
  }
  // Another node was faster: its settings count.
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
    return caf::none;
  auto kind = is_passing(code) ? errc::log_unavailable : errc::invalid_argument;
  return make_error(kind, "Kafka refused to create the topic " + config.topic + " with "
                              + std::to_string(config.partitions) + " partitions: " + why);
}

const char* value_of(const rd_kafka_ConfigEntry_t** entries, size_t count, const char* name) {
  for (size_t i = 0; i < count; ++i)
    if (rd_kafka_ConfigEntry_name(entries[i]) == std::string_view(name)) {
      const auto* value = rd_kafka_ConfigEntry_value(entries[i]);
      return value ? value : "";
    }
  return "";
}

/// librdkafka before 2.6.1 repeats the nonce in SCRAM (confluentinc/librdkafka 4895). Kafka 4
/// says that the password is wrong then.
std::string scram_hint(const kafka_config& config) {
  constexpr int mended = 0x02060100;
  for (const auto& [name, value] : config.properties)
    if (name == "sasl.mechanism" && value.rfind("SCRAM", 0) == 0 && rd_kafka_version() < mended)
      return std::string("; from Kafka 4 on SCRAM needs librdkafka 2.6.1, and this is ")
             + rd_kafka_version_str() + ": use PLAIN over TLS with such brokers";
  return {};
}

const char* credentials(const kafka_config& config) {
  for (const auto& [name, value] : config.properties)
    if (name == "sasl.mechanism" && value == "OAUTHBEARER")
      return "KAFKA_SASL_TOKEN_FILE and sasl.oauthbearer.* in KAFKA_PROPERTIES";
  return "KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD";
}

/// Why the time is over. Credentials that were refused to the end are a matter for people; a
/// broker that went away while it looked at them has said something else since.
caf::error unusable(const kafka_config& config, const broker_health& health,
                    rd_kafka_resp_err_t error) {
  if (health.is_refused())
    return make_error(errc::invalid_argument, health.text() + scram_hint(config)
                                                  + "; look at KAFKA_SASL_MECHANISM, "
                                                  + credentials(config));
  const auto why = health.is_down() ? health.text() : rd_kafka_err2str(error);
  return make_error(errc::log_unavailable, "no answer from Kafka about the topic " + config.topic
                                               + " within " + milliseconds_text(config.open_timeout)
                                               + " ms (KAFKA_BROKER = " + config.brokers
                                               + "): " + why);
}

/// What is taken as it is, and costs events.
void report_dangers(const kafka_config& config, const topic_state& state,
                    const topic_properties& properties) {
  const auto topic = "Kafka topic " + config.topic + " has ";
  const auto& policy = properties.cleanup_policy;
  if (policy.find("compact") != std::string::npos)
    config.report(topic + "cleanup.policy=" + policy
                  + ": of the events of a page that are not counted yet, compaction keeps only "
                    "the last; cleanup.policy=delete keeps all");
  if (state.copies == 1 && state.brokers.size() > 1)
    config.report(
        topic + "one copy of each event on a cluster of " + std::to_string(state.brokers.size())
        + " brokers: a broker that is lost takes accepted events with it; "
          "--kafka-replication (KAFKA_REPLICATION_FACTOR) says how many a topic gets that "
          "is created");
  if (properties.min_insync > state.copies)
    config.report(topic + "min.insync.replicas=" + std::to_string(properties.min_insync)
                  + " and copies of each event: " + std::to_string(state.copies)
                  + ", so that no event can be accepted; give the topic more copies, or a smaller "
                    "min.insync.replicas");
}

} // namespace

void topic_query::ask(rd_kafka_t* client, const std::string& topic, int timeout_ms,
                      queue_ptr answers) {
  resource_ptr resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  auto options = request_options(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout_ms);
  answers_ = std::move(answers);
  auto* resources = resource.get();
  rd_kafka_DescribeConfigs(client, &resources, 1, options.get(), answers_.get());
}

std::optional<topic_properties> topic_query::answer(int timeout_ms) {
  if (!answers_)
    return std::nullopt;
  event_ptr event(rd_kafka_queue_poll(answers_.get(), timeout_ms));
  if (!event)
    return std::nullopt;
  answers_.reset();
  topic_properties out;
  if (rd_kafka_event_error(event.get()))
    return out;
  size_t count = 0;
  const auto** results = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  if (count == 0 || rd_kafka_ConfigResource_error(results[0]))
    return out;
  const auto** entries = rd_kafka_ConfigResource_configs(results[0], &count);
  out.cleanup_policy = value_of(entries, count, "cleanup.policy");
  out.message_bytes_max =
      static_cast<size_t>(std::max(std::atoll(value_of(entries, count, "max.message.bytes")), 0LL));
  out.min_insync = std::atoi(value_of(entries, count, "min.insync.replicas"));
  return out;
}

bool is_missing(rd_kafka_resp_err_t error) noexcept {
  return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
         || error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
}

topic_state ask_topic(rd_kafka_t* client, rd_kafka_topic_t* topic, int timeout_ms) {
  const struct rd_kafka_metadata* metadata = nullptr;
  topic_state out;
  out.error = rd_kafka_metadata(client, 0, topic, &metadata, timeout_ms);
  if (out.error)
    return out;
  for (int i = 0; i < metadata->broker_cnt; ++i)
    out.brokers.push_back(std::string(metadata->brokers[i].host) + ":"
                          + std::to_string(metadata->brokers[i].port));
  out.error = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  if (metadata->topic_cnt > 0) {
    const auto& found = metadata->topics[0];
    out.error = found.err;
    out.leaders.assign(static_cast<size_t>(std::max(found.partition_cnt, 0)), -1);
    for (int i = 0; i < found.partition_cnt; ++i) {
      const auto& x = found.partitions[i];
      if (x.id >= 0 && x.id < found.partition_cnt)
        out.leaders[static_cast<size_t>(x.id)] = x.leader;
      out.copies = i == 0 ? x.replica_cnt : std::min(out.copies, x.replica_cnt);
    }
  }
  rd_kafka_metadata_destroy(metadata);
  return out;
}

caf::expected<topic_found> ensure_topic(const kafka_config& config, broker_health& health) {
  // A consumer: a producer's metadata requests would make a broker with
  // auto.create.topics.enable create the topic with the broker's defaults.
  health_events events(config, health);
  auto made =
      make_client(RD_KAFKA_CONSUMER, config, {{"allow.auto.create.topics", "false"}}, events);
  if (!made)
    return std::move(made.error());
  auto* client = made->get();
  auto named = make_topic(client, config, {});
  if (!named)
    return std::move(named.error());
  auto* topic = named->get();
  deadline until(config.open_timeout);
  bool created = false;
  topic_state state;
  for (;;) {
    state = ask_topic(client, topic, until.left_ms(2'000));
    rd_kafka_poll(client, 0);
    if (!state.error && state.partitions() > 0 && (state.is_led() || !created))
      break;
    if (is_final(state.error))
      return make_error(errc::invalid_argument,
                        "Kafka topic " + config.topic + ": " + rd_kafka_err2str(state.error));
    if (until.over())
      return unusable(config, health, state.error);
    if (is_missing(state.error) && !created) {
      if (auto err = create(client, config, until)) {
        if (code_of(err) != errc::log_unavailable)
          return err;
      } else {
        created = true;
      }
    }
    std::this_thread::sleep_for(milliseconds(until.left_ms(50)));
  }
  topic_query query;
  query.ask(client, config.topic, until.left_ms(5'000), queue_ptr(rd_kafka_queue_new(client)));
  const auto properties = query.answer(until.left_ms(5'000) + 500).value_or(topic_properties{});
  if (config.report)
    report_dangers(config, state, properties);
  health.up();
  return topic_found{state.partitions(), properties.message_bytes_max};
}

} // namespace footfall::kafka
