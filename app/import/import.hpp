#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace footfall::app {

struct import_options {
  std::vector<std::string> files; ///< "-" is standard input.
  std::string format;             ///< Empty: by the first lines.
  std::string source;             ///< Whose log it is; part of a line's identity.
  std::string to;                 ///< The node's ingest address.
  std::string site;               ///< Empty: the default one.
  std::string refused;            ///< A file for refused lines; empty: none.
  bool final = false;             ///< Take a last line without its newline.
  bool follow = false;            ///< Go on with what is added to the file.
  bool only_pages = false;
  bool skip_bots = false;
  bool arrival_time = false; ///< Take events whose time stands in a field that is not read.
  uint32_t patience_s = 60;  ///< How long a node that refuses or is gone is tried.
};

/// Sends logs to a running node in batches, each again until it is final: every line has
/// an id of its own, so sending twice, or running twice, counts once. Prints progress to
/// standard error and a summary to standard output.
/// @returns the exit code: 0 all accepted, 1 some lines refused or not all sent, 2
/// usage, 3 the node cannot be reached.
int run_import(const import_options& options);

} // namespace footfall::app
