#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace footfall::app {

struct bad_events_options {
  std::vector<std::string> positions; ///< What to re-drive; empty: all open ones.
  bool redrive = false;
  bool open = false;  ///< List only those that were not re-driven.
  bool raw = false;   ///< Print the records, one a line.
  uint32_t limit = 0; ///< Rows at most; 0: 100, or all with `raw`.
  std::string url;
  bool json = false; ///< Print the node's answers as they are.
};

/// Lists the bad events of a running node, or has it re-drive them.
/// @returns the exit code: 0, 1 some are still no events, or the node cannot answer, 2
/// usage, 3 unreachable.
int run_bad_events(const bad_events_options& options);

} // namespace footfall::app
