#pragma once

#include <string>

namespace footfall::app {

struct health_options {
  std::string url;
  bool live = false; ///< Whether it works at all, not whether it can do its roles.
  std::string role;  ///< Ready for this one; empty: for all that the node has.
};

/// Asks a running node for its health, as a container's health check does: within 2 s, and
/// says why in one line.
/// @returns the exit code: 0 it is well, 1 it is not, 2 usage, 3 unreachable.
int run_health(const health_options& options);

} // namespace footfall::app
