#pragma once

#include <string>

#include "app/settings.hpp"

namespace footfall::app {

/// Checks what makes the node one of a cluster, and fills in what was left open: its name is
/// the host's, its address the one that it listens on.
/// @returns what is wrong, for a person; empty: nothing.
std::string settle_cluster(settings& out);

} // namespace footfall::app
