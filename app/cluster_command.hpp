#pragma once

#include <string>

namespace footfall::app {

struct cluster_options {
  std::string url;
  bool json = false;  ///< Print the node's answer as it is.
  bool watch = false; ///< Again each second, until it is ended.
};

/// Shows the nodes that a running node knows, and who has which partitions.
/// @returns the exit code: 0, 1 the node refused, 2 usage, 3 unreachable.
int run_cluster(const cluster_options& options);

} // namespace footfall::app
