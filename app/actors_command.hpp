#pragma once

#include <cstdint>
#include <string>

namespace footfall::app {

struct actors_options {
  std::string id;   ///< Empty: a list of all.
  std::string node; ///< Of a cluster; empty: all of them, or for an id the one that is asked.
  std::string name;
  std::string key;
  std::string sort;
  uint32_t limit = 0; ///< 0: the node's default.
  std::string url;
  bool json = false;
};

/// Shows the actors of a running node, or one of them with its state.
/// @returns the exit code: 0, 1 no such actor, 2 usage, 3 unreachable.
int run_actors(const actors_options& options);

} // namespace footfall::app
