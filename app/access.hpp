#pragma once

#include <memory>
#include <string>

#include <caf/expected.hpp>

#include "actors/ports/access_records.hpp"
#include "app/settings.hpp"

namespace footfall::app {

/// Whether a listener at this address lets only the bearers of keys in: by --auth, which by
/// default leaves the loopback open.
bool asks_for_keys(const settings& from, const std::string& address);

/// Whether any listener of the node does.
bool asks_for_keys(const settings& from);

/// Opens the sites and keys beside the store that the settings name; makes their tables, in
/// PostgreSQL with all others, where there are none. Blocks.
caf::expected<std::unique_ptr<access_records>> open_access(const settings& from);

/// Why a node that asks for keys, and has none, does not start; with the commands that make some.
std::string no_key_text(const settings& from);

} // namespace footfall::app
