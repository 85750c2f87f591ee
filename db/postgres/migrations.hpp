#pragma once

#include <string>

#include <caf/expected.hpp>

#include "db/postgres/connection.hpp"

namespace footfall::postgres {

/// What a store learns when it opens the database.
struct opened {
  std::string identity;
  int32_t topic_no = 0;
};

/// Brings the schema to this program's version, under an advisory lock, and
/// registers the topic. Refuses a schema that is newer than the program, and a
/// database that is not in UTF-8.
caf::expected<opened> open_database(connection& c, const std::string& topic);

} // namespace footfall::postgres
