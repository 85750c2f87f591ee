#pragma once

#include <algorithm>
#include <optional>

#include "net/kafka/client.hpp"

namespace footfall::kafka {

/// What the broker says of the topic; empty and 0 where it does not say (rights, age).
struct topic_properties {
  std::string cleanup_policy;
  size_t message_bytes_max = 0; ///< max.message.bytes: of a batch as well as of a record.
  int min_insync = 0;           ///< min.insync.replicas
};

/// One question for the properties at a time, without waiting. Ends before its client.
class topic_query {
public:
  void ask(rd_kafka_t* client, const std::string& topic, int timeout_ms, queue_ptr answers);
  bool is_open() const noexcept { return static_cast<bool>(answers_); }
  /// The answer, once it is there; waits that long for it.
  std::optional<topic_properties> answer(int timeout_ms);

private:
  queue_ptr answers_;
};

struct topic_found {
  uint32_t partitions = 0;
  size_t message_bytes_max = 0; ///< 0: not known.
};

/// Makes sure that the topic exists and can be used, and waits for it until
/// config.open_timeout is over. Creates it with config.partitions when it is
/// missing; an existing one keeps what it has.
/// @returns what it found; errc::log_unavailable when no broker answers
/// in time; errc::invalid_argument when it cannot be made, or they refuse our credentials.
caf::expected<topic_found> ensure_topic(const kafka_config& config, broker_health& health);

/// What a broker says about the topic.
struct topic_state {
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::vector<int32_t> leaders;     ///< Of each partition; -1: it has none.
  int copies = 0;                   ///< The fewest that a partition has.
  std::vector<std::string> brokers; ///< "host:port"

  uint32_t partitions() const noexcept { return static_cast<uint32_t>(leaders.size()); }
  bool is_led() const noexcept {
    return std::none_of(leaders.begin(), leaders.end(), [](int32_t x) { return x < 0; });
  }
};

/// Blocks until a broker answers or the time is over.
topic_state ask_topic(rd_kafka_t* client, rd_kafka_topic_t* topic, int timeout_ms);

/// True when it says that there is no such topic.
bool is_missing(rd_kafka_resp_err_t error) noexcept;

} // namespace footfall::kafka
