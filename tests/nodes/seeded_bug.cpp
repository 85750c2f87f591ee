#include "tests/nodes/seeded_bug.hpp"

#include <algorithm>

#include "proto/seeded_bug.hpp"

/// All of them are in the sources of the actors.
namespace {

std::string chosen;

} // namespace

namespace footfall {

#ifdef FOOTFALL_SEEDED_BUGS
bool seeded_bug(const char* name) noexcept {
  return chosen == name;
}
#endif

namespace nodes {

const std::vector<std::string>& known_bugs() {
  static const std::vector<std::string> all = {
#ifdef FOOTFALL_SEEDED_BUGS
      "nodes-asks-once",          "nodes-cache-of-others", "nodes-keeps-old-query",
      "nodes-never-unwatches",    "nodes-no-bound",        "nodes-watch-stays",
      "nodes-watches-for-nobody",
#endif
  };
  return all;
}

bool is_known_bug(const std::string& name) {
  const auto& all = known_bugs();
  return std::find(all.begin(), all.end(), name) != all.end();
}

void choose_bug(const std::string& name) {
  chosen = name;
}

} // namespace nodes
} // namespace footfall
