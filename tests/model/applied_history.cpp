#include "actors/model/applied_history.hpp"

#include <catch2/catch.hpp>

using namespace footfall;
using model::applied_history;

namespace {

std::vector<uint64_t> told(const applied_history& x, int64_t first, int64_t last) {
  const auto y = x.count(first, last);
  return {y.fresh, y.duplicates, y.waiting, y.forgotten};
}

using counts = std::vector<uint64_t>;

} // namespace

TEST_CASE("what was new is told from what was there", "[model][applied_history]") {
  applied_history x;
  x.start(100);
  CHECK(told(x, 90, 109) == counts{0, 0, 10, 10});
  x.add(104, {101, 103});
  x.add(106, {105});
  CHECK(told(x, 100, 105) == counts{3, 3, 0, 0});
  CHECK(told(x, 99, 107) == counts{3, 3, 2, 1});
  CHECK(told(x, 103, 103) == counts{1, 0, 0, 0});
  CHECK(told(x, 5, 4) == counts{0, 0, 0, 0});
}

TEST_CASE("what a claim passed over is forgotten", "[model][applied_history]") {
  applied_history x;
  x.start(0);
  x.add(2, {0, 1});
  x.start(2);
  CHECK(told(x, 0, 1) == counts{2, 0, 0, 0});
  x.start(5);
  x.add(6, {5});
  CHECK(told(x, 0, 6) == counts{1, 0, 1, 5});
  // The store went back: what is applied again is told anew.
  x.start(3);
  CHECK(told(x, 0, 6) == counts{0, 0, 4, 3});
  x.add(6, {4});
  CHECK(told(x, 3, 5) == counts{1, 2, 0, 0});
}

TEST_CASE("the history of what was applied is bounded", "[model][applied_history]") {
  applied_history x;
  const auto kept = applied_history::kept;
  x.start(0);
  for (int64_t at = 0; at < 3 * kept; at += 1000) {
    std::vector<int64_t> fresh;
    for (int64_t i = at; i < at + 1000; i += 2)
      fresh.push_back(i);
    x.add(at + 1000, fresh);
  }
  const auto end = (3 * kept + 999) / 1000 * 1000;
  CHECK(told(x, end - kept - 10, end - 1)
        == counts{static_cast<uint64_t>(kept / 2), static_cast<uint64_t>(kept / 2), 0, 10});
  x.add(end + 2 * kept, {end + 2 * kept - 1});
  CHECK(told(x, end + kept, end + 2 * kept - 1)
        == counts{1, static_cast<uint64_t>(kept - 1), 0, 0});
}
