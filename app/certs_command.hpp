#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace footfall::app {

struct certs_options {
  std::string out; ///< The folder.
  std::vector<std::string> names;
  std::vector<std::string> hosts; ///< For each of the names beside it.
  uint32_t days = 825;
  bool force = false; ///< Certificates of nodes are replaced; the authority never is.
};

/// Makes certificates for the nodes of a cluster, and their authority unless it is there.
/// @returns the exit code: 0, 1 when they could not be made, 2 usage.
int run_certs(const certs_options& options);

} // namespace footfall::app
