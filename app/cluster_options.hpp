#pragma once

#include <string>
#include <vector>

#include "app/settings.hpp"

namespace footfall::app {

/// Checks what makes the node one of a cluster, and fills in what was left open: its name is
/// the host's, its address the one that it listens on.
/// @returns what is wrong, for a person; empty: nothing.
std::string settle_cluster(settings& out);

/// Of this machine, as it calls itself.
std::string host_name();

/// Addresses between commas.
std::vector<std::string> seeds_of(const settings& from);

/// False: a node of a cluster whose roles need no event log, and who was given none.
bool has_log(const settings& from);
/// The same of the store: a gateway alone.
bool has_store(const settings& from);

} // namespace footfall::app
