#pragma once

#include "net/kafka/client.hpp"

namespace footfall::kafka {

/// A record as it came from the broker.
log_entry entry_of(const rd_kafka_message_t& message);

} // namespace footfall::kafka
