#include "net/kafka/client.hpp"

#include <algorithm>
#include <cassert>

#include "net/kafka/properties.hpp"
#include "net/kafka/token.hpp"

namespace footfall::kafka {

namespace {

void on_error(rd_kafka_t*, int code, const char* reason, void* opaque) {
  static_cast<client_events*>(opaque)->on_error(static_cast<rd_kafka_resp_err_t>(code), reason);
}

void on_delivered(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  static_cast<client_events*>(opaque)->on_delivered(*message);
}

// librdkafka's own logger would write to stderr, in a form of its own.
void on_log(const rd_kafka_t* client, int, const char* facility, const char* text) {
  if (client)
    static_cast<client_events*>(rd_kafka_opaque(client))
        ->on_log(std::string("Kafka ") + facility + ": " + text);
}

// The configuration is the token file's path.
void on_token_wanted(rd_kafka_t* client, const char* path, void*) {
  give_token(client, path);
}

void on_ready(rd_kafka_t*, void* opaque) {
  static_cast<wake_signal*>(opaque)->notify();
}

struct conf_deleter {
  void operator()(rd_kafka_conf_t* x) const noexcept { rd_kafka_conf_destroy(x); }
};
using conf_ptr = std::unique_ptr<rd_kafka_conf_t, conf_deleter>;

caf::error set(rd_kafka_conf_t* conf, const property_list& properties) {
  char text[512];
  for (const auto& [name, value] : properties)
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text, sizeof text) != RD_KAFKA_CONF_OK)
      return make_error(errc::invalid_argument, "Kafka property " + name + ": " + text);
  return caf::none;
}

// Both clients: find a broker that came back within a second, and give up on one
// that accepts connections and says nothing.
property_list common_properties(const kafka_config& config) {
  return {{"bootstrap.servers", config.brokers},
          {"client.id", "footfall"},
          {"socket.timeout.ms", milliseconds_text(config.request_timeout)},
          {"socket.connection.setup.timeout.ms", "5000"},
          {"socket.nagle.disable", "true"},
          {"reconnect.backoff.ms", "50"},
          {"reconnect.backoff.max.ms", "1000"},
          {"log_level", "4"}};
}

/// Ours win, so nobody may believe to have set one of them.
bool are_reserved(const property_list& ours) {
  return std::all_of(ours.begin(), ours.end(),
                     [](const auto& x) { return !reserved_for(x.first).empty(); });
}

std::string token_file(const property_list& properties) {
  for (const auto& [name, value] : properties)
    if (name == "sasl.oauthbearer.config")
      return value;
  return {};
}

} // namespace

void client_deleter::operator()(rd_kafka_t* x) const noexcept {
  // Without a group there is nothing to leave; closing could only wait.
  rd_kafka_destroy_flags(x, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void queue_deleter::operator()(rd_kafka_queue_t* x) const noexcept {
  rd_kafka_queue_cb_event_enable(x, nullptr, nullptr);
  rd_kafka_queue_destroy(x);
}

int deadline::left_ms(int most) const {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(at_ - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 1, most));
}

void wake_signal::notify() {
  {
    std::lock_guard lock(mutex_);
    if (notified_)
      return;
    notified_ = true;
  }
  changed_.notify_one();
}

void wake_signal::wait_for(std::chrono::microseconds most) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, most, [this] { return notified_; });
  notified_ = false;
}

void broker_health::heed(rd_kafka_resp_err_t code, const char* reason) {
  std::lock_guard lock(mutex_);
  switch (code) {
  case RD_KAFKA_RESP_ERR__TRANSPORT:
  case RD_KAFKA_RESP_ERR__RESOLVE:
  case RD_KAFKA_RESP_ERR__SSL:
  case RD_KAFKA_RESP_ERR__TIMED_OUT: // Another one may serve us.
    refused_ = false;
    why_ = reason;
    break;
  case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    refused_ = true;
    why_ = reason;
    down_.store(true, std::memory_order_relaxed);
    break;
  case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN: // Comes without a why of its own.
    if (why_.empty())
      why_ = reason;
    down_.store(true, std::memory_order_relaxed);
    break;
  default: break;
  }
}

void broker_health::up() {
  if (!is_down())
    return;
  std::lock_guard lock(mutex_);
  refused_ = false;
  why_.clear();
  down_.store(false, std::memory_order_relaxed);
}

bool broker_health::is_refused() const {
  std::lock_guard lock(mutex_);
  return is_down() && refused_;
}

std::string broker_health::text() const {
  if (!is_down())
    return {};
  std::lock_guard lock(mutex_);
  return (refused_ ? "Kafka does not take our credentials" : "no Kafka broker can be reached")
         + (" (KAFKA_BROKER = " + brokers_ + "): " + why_);
}

void health_events::on_error(rd_kafka_resp_err_t code, const char* reason) {
  health_.heed(code, reason);
}

void health_events::on_log(const std::string& line) {
  if (config_.report)
    config_.report(line);
}

caf::expected<client_ptr> make_client(rd_kafka_type_t type, const kafka_config& config,
                                      const property_list& ours, client_events& events) {
  const auto common = common_properties(config);
  assert(are_reserved(common) && are_reserved(ours));
  conf_ptr conf(rd_kafka_conf_new());
  if (auto err = set(conf.get(), config.properties))
    return err;
  if (auto err = set(conf.get(), common))
    return err;
  if (auto err = set(conf.get(), ours))
    return err;
  rd_kafka_conf_set_opaque(conf.get(), &events);
  rd_kafka_conf_set_error_cb(conf.get(), on_error);
  rd_kafka_conf_set_log_cb(conf.get(), on_log);
  if (type == RD_KAFKA_PRODUCER)
    rd_kafka_conf_set_dr_msg_cb(conf.get(), on_delivered);
  const auto tokens = token_file(config.properties);
  if (!tokens.empty())
    rd_kafka_conf_set_oauthbearer_token_refresh_cb(conf.get(), on_token_wanted);
  char text[512];
  client_ptr out(rd_kafka_new(type, conf.get(), text, sizeof text));
  if (!out)
    return make_error(errc::invalid_argument, std::string("Kafka client: ") + text);
  static_cast<void>(conf.release()); // rd_kafka_new took it
  if (!tokens.empty())
    give_token(out.get(), tokens); // Not only once somebody polls.
  return out;
}

caf::expected<topic_ptr> make_topic(rd_kafka_t* client, const kafka_config& config,
                                    const property_list& properties) {
  assert(are_reserved(properties));
  // The client's own topic properties: a fresh set would forget acks and timeouts.
  auto* conf = rd_kafka_default_topic_conf_dup(client);
  char text[512];
  for (const auto& [name, value] : properties)
    if (rd_kafka_topic_conf_set(conf, name.c_str(), value.c_str(), text, sizeof text)
        != RD_KAFKA_CONF_OK) {
      rd_kafka_topic_conf_destroy(conf);
      return make_error(errc::invalid_argument, "Kafka topic property " + name + ": " + text);
    }
  topic_ptr out(rd_kafka_topic_new(client, config.topic.c_str(), conf)); // takes conf
  if (!out)
    return make_error(errc::invalid_argument, "Kafka topic " + config.topic + ": "
                                                  + rd_kafka_err2str(rd_kafka_last_error()));
  return out;
}

queue_ptr main_queue(rd_kafka_t* client, wake_signal& signal) {
  queue_ptr out(rd_kafka_queue_get_main(client));
  rd_kafka_queue_cb_event_enable(out.get(), on_ready, &signal);
  return out;
}

queue_ptr new_queue(rd_kafka_t* client, wake_signal& signal) {
  queue_ptr out(rd_kafka_queue_new(client));
  rd_kafka_queue_cb_event_enable(out.get(), on_ready, &signal);
  return out;
}

errc errc_of(rd_kafka_resp_err_t code) noexcept {
  switch (code) {
  case RD_KAFKA_RESP_ERR_NO_ERROR: return errc::none;
  case RD_KAFKA_RESP_ERR__QUEUE_FULL: return errc::overloaded;
  case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
  case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE: return errc::event_too_large;
  case RD_KAFKA_RESP_ERR_INVALID_RECORD:
  case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
  case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
  case RD_KAFKA_RESP_ERR__INVALID_ARG: return errc::invalid_argument;
  case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
  case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: return errc::gap;
  default: return errc::log_unavailable;
  }
}

} // namespace footfall::kafka
