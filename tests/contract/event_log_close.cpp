#include <catch2/catch.hpp>

#include <atomic>

#include "tests/contract/await.hpp"
#include "tests/contract/rigs.hpp"

using namespace footfall;
using namespace footfall::test;

// Whoever hears of an append may send the next one, also while the log is closing.
TEST_CASE("event_log answers what is appended by a callback while it closes",
          "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  auto* raw = log.get();
  std::atomic<int> asked{0}, answered{0}, refused{0};
  std::atomic<bool> closing{false};
  auto note = [&](const std::vector<append_outcome>& outcomes) {
    for (const auto& x : outcomes)
      if (x.status == outcome::rejected && x.code == errc::shutting_down)
        ++refused;
    ++answered;
  };
  auto again = [&](const std::vector<append_outcome>& outcomes) {
    if (closing) {
      ++asked;
      raw->append({{0, "page", "again"}}, note);
    }
    note(outcomes);
  };
  for (int i = 0; i < 200; ++i, ++asked)
    raw->append({{static_cast<uint32_t>(i % 4), "page", "first"}}, again);
  closing = true;
  log.reset();
  CHECK(asked >= 200);
  CHECK(answered == asked);
  // What was sent after the end began is refused: nobody is to wonder whether it is stored.
  CHECK(refused <= asked - 200);
}
