#pragma once

#include <memory>
#include <string>

#include "actors/ports/access_records.hpp"

namespace footfall {

/// Sites and keys in the tables of the shared store, on a connection of its own. Brings the
/// schema to this program's version where it lacks those tables.
///
/// @param url what libpq takes.
caf::expected<std::unique_ptr<access_records>> open_postgres_access(std::string url);

} // namespace footfall
