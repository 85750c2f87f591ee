#pragma once

#include "net/kafka/client.hpp"

namespace footfall::kafka {

/// Makes sure that the topic exists and can be used, and waits for it until
/// config.open_timeout is over. Creates it with config.partitions when it is
/// missing; an existing one keeps what it has.
/// @returns its number of partitions; errc::log_unavailable when no broker answers
/// in time; errc::invalid_argument when it cannot be made.
caf::expected<uint32_t> ensure_topic(const kafka_config& config, broker_health& health);

/// What a broker says about the topic; blocks until it answers or the time is over.
rd_kafka_resp_err_t topic_error(rd_kafka_t* client, rd_kafka_topic_t* topic, int timeout_ms);

/// True when it says that there is no such topic.
bool is_missing(rd_kafka_resp_err_t error) noexcept;

} // namespace footfall::kafka
