#pragma once

#include <cstdint>
#include <string>

namespace footfall::app {

struct partitions_options {
  int64_t partition = -1; ///< -1: none is named.
  int64_t skip_to = -1;   ///< -1: nothing is skipped.
  bool new_generation = false;
  bool yes = false; ///< Changes are not asked about.
  std::string url;
  bool json = false; ///< Print the node's answer as it is.
};

/// Lists the partitions of a running node, or changes one that is stopped.
/// @returns the exit code: 0, 1 the node refused or nobody said yes, 2 usage, 3
/// unreachable.
int run_partitions(const partitions_options& options);

} // namespace footfall::app
