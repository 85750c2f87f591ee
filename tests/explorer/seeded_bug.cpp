#include "proto/seeded_bug.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>

/// The bug of this process, which FOOTFALL_SEEDED_BUG names. The names are those of
/// tests/broken. Some bugs are in the sources of the program (ack-on-enqueue, batch-200,
/// del-not-versions, late-fills); the others, of adapters that are not run here, are
/// mirrored in folded_store and uncertain_log.
namespace {

constexpr const char* known[] = {"ack-on-enqueue", "batch-200",  "del-not-versions",
                                 "late-fills",     "no-cas",     "fold-without-cursor",
                                 "no-drain-flush", "now-bucket", "set-not-delta",
                                 "skip-poison",    "unscoped-id"};

const std::string chosen = [] {
  const char* text = std::getenv("FOOTFALL_SEEDED_BUG");
  const std::string name = text ? text : "";
  if (!name.empty() && std::find(std::begin(known), std::end(known), name) == std::end(known)) {
    std::fprintf(stderr, "FOOTFALL_SEEDED_BUG: no bug is called %s\n", text);
    std::_Exit(2);
  }
  return name;
}();

} // namespace

namespace footfall {

bool seeded_bug(const char* name) noexcept {
  return chosen == name;
}

} // namespace footfall
