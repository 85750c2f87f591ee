#pragma once

#include <string>

#include <caf/expected.hpp>

#include "db/postgres/generations.hpp"

namespace footfall::postgres {

/// What a store learns when it opens the database.
struct opened {
  std::string identity;
  generation now;
  size_t server_no = 0; ///< The server of the URL that it was found on.
};

/// Brings the schema to this program's version, under an advisory lock, and
/// registers the log. Refuses a schema that is newer than the program, and a
/// database that is not in UTF-8.
caf::expected<opened> open_database(connection& c, const std::string& log);

/// The schema alone, without a log.
caf::error bring_schema_up(connection& c);

/// The schema's version that this program brings a database to.
int newest_schema();

} // namespace footfall::postgres
