#pragma once

#include <memory>
#include <string>

#include <caf/expected.hpp>

#include "actors/ports/access_records.hpp"

namespace footfall {

/// Sites and keys of an embedded node: the file `access.db` in the data folder, which is made
/// when it is missing. It is a file of its own, so that commands change it beside a node that
/// runs, and so that it outlives a store that is restored.
caf::expected<std::unique_ptr<access_records>> open_sqlite_access(const std::string& folder);

/// Copies `access.db` as it is at one moment to a folder that has none. A folder without one is
/// none to copy.
caf::error copy_sqlite_access(const std::string& from, const std::string& to);

} // namespace footfall
