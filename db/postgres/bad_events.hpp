#pragma once

#include <string>
#include <vector>

#include "actors/ports/store.hpp"
#include "db/postgres/connection.hpp"

/// The bad events of a topic; apply alone adds to them.
namespace footfall::postgres {

caf::expected<bad_event_page> bad_events(connection& c, const std::string& topic,
                                         const bad_events_ask& ask);

caf::expected<uint64_t> mark_redriven(connection& c, const std::string& topic,
                                      const std::vector<redriven>& rows);

} // namespace footfall::postgres
