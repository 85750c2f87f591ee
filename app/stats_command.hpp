#pragma once

#include <cstdint>
#include <string>

namespace footfall::app {

struct stats_options {
  std::string what = "top-pages"; ///< top-pages, page, series, summary, users or count.
  std::string page;
  std::string user;
  std::string site;
  std::string step;
  std::string from;
  std::string to;
  std::string range;
  std::string zone;
  std::string compare;
  uint32_t limit = 0; ///< 0: the node's default.
  bool watch = false; ///< Again whenever it changed: page, top-pages or summary.
  std::string url;
  bool json = false; ///< Print the node's answer as it is.
};

/// Asks a running node and prints the answer as a table.
/// With `watch` it goes on until Ctrl-C, also when the node was away meanwhile.
/// @returns the exit code: 0, 1 the node cannot answer, 2 usage, 3 unreachable.
int run_stats(const stats_options& options);

} // namespace footfall::app
