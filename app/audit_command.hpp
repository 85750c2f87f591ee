#pragma once

#include <string>

namespace footfall::app {

struct audit_options {
  std::string url;
  std::string live = "sample"; ///< Or all, or none.
  std::string site;            ///< Of the page; empty: the default one.
  std::string page;            ///< One page alone; empty: all there is.
  bool json = false;
};

/// Has a running node recount everything from the raw events, and compare what it has in
/// memory; or one page of it. Prints what was looked at and what was not.
/// @returns the exit code: 0 all is equal, 1 it is not, or the node cannot answer, 2
/// usage, 3 unreachable.
int run_audit(const audit_options& options);

} // namespace footfall::app
