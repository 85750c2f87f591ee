#pragma once

#include "net/kafka/client.hpp"

namespace footfall::kafka {

/// Makes sure that the topic exists and can be used, and waits for it until
/// config.open_timeout is over. Creates it with config.partitions when it is
/// missing; an existing one keeps what it has.
/// @returns its number of partitions; errc::log_unavailable when no broker answers
/// in time; errc::invalid_argument when it is compacted (offsets would have gaps).
caf::expected<uint32_t> ensure_topic(const kafka_config& config, broker_health& health);

} // namespace footfall::kafka
