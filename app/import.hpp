#pragma once

#include <string>

namespace footfall::app {

struct import_options {
  std::string file;         ///< "-" is standard input.
  std::string format;       ///< "combined", "ndjson", or empty: by the first line.
  std::string to;           ///< The node's ingest address.
  std::string site;         ///< Empty: the default one.
  uint32_t patience_s = 60; ///< How long a node that refuses or is gone is tried.
};

/// Sends a log to a running node in batches, each again until it is final: every
/// line has an id of its own, so sending twice, or running twice, counts once.
/// Prints progress to standard error and a summary to standard output.
/// @returns the exit code: 0 all accepted, 1 some lines refused or not all sent, 2
/// usage, 3 the node cannot be reached.
int run_import(const import_options& options);

} // namespace footfall::app
