#include "tests/simulator/seeded_bug.hpp"

#include "proto/seeded_bug.hpp"

/// Some bugs are in the sources of the model; those of the store's statements, and of whoever
/// obeys the model, stand in lease_store.cpp and process.cpp.
namespace {

std::string chosen;

} // namespace

namespace footfall {

#ifdef FOOTFALL_SEEDED_BUGS
bool seeded_bug(const char* name) noexcept {
  return chosen == name;
}
#endif

namespace simulator {

const std::vector<std::string>& known_bugs() {
  static const std::vector<std::string> all = {
#ifdef FOOTFALL_SEEDED_BUGS
      "apply-without-epoch",
      "as-of-now",
      "claim-ignores-incarnation",
      "claims-blindly",
      "deadline-from-answer",
      "draining-gets-more",
      "ends-by-its-own-beat",
      "expiry-by-nodes-clock",
      "fenced-claims-by-itself",
      "gone-at-one-sight",
      "no-fresh-eyes",
      "releases-once",
      "runs-past-deadline",
      "takes-answer-of-older-claim",
      "takes-more-than-asked",
      "target-without-keep",
#endif
  };
  return all;
}

void choose_bug(const std::string& name) {
  chosen = name;
}

} // namespace simulator
} // namespace footfall
