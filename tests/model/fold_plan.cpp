#include "actors/model/fold_plan.hpp"
#include "tests/support/seed.hpp"

#include <algorithm>
#include <deque>
#include <random>

#include <catch2/catch.hpp>

using footfall::model::fold_plan;

TEST_CASE("a fold goes by records, whatever the offsets", "[model][fold_plan]") {
  fold_plan plan;
  plan.start(0);
  plan.add(1'000'000'000, 4, 0, 10);
  plan.add(1'000'000'005, 5, 0, 10);
  plan.add(1'000'000'007, 2, 0, 10);
  CHECK(plan.end(0, 10) == 1'000'000'005);
  CHECK(plan.end(1'000'000'005, 10) == 1'000'000'007);
  CHECK(plan.end(1'000'000'007, 10) == 1'000'000'007);
}

TEST_CASE("a fold takes as many steps as fit", "[model][fold_plan]") {
  fold_plan plan;
  plan.start(0);
  for (int64_t i = 1; i <= 6; ++i)
    plan.add(i * 100, 3, 0, 5); // Steps of three records.
  CHECK(plan.end(0, 5) == 100);
  CHECK(plan.end(0, 6) == 200);
  CHECK(plan.end(0, 11) == 300);
  CHECK(plan.end(300, 100) == 600);
  CHECK(plan.end(500, 1) == 600); // One, however large it is.
}

TEST_CASE("what was applied before the claim is folded by offsets", "[model][fold_plan]") {
  fold_plan plan;
  plan.start(25);
  plan.add(30, 5, 0, 10);
  CHECK(plan.end(0, 10) == 10);
  CHECK(plan.end(10, 10) == 20);
  CHECK(plan.end(20, 10) == 25);
  CHECK(plan.end(25, 10) == 30);
}

TEST_CASE("what waits for a fold is counted by records", "[model][fold_plan]") {
  fold_plan plan;
  plan.start(25);
  CHECK(plan.waiting(5) == 20); // What was applied before the start: by offsets.
  plan.add(1'000'000'000, 4, 0, 10);
  plan.add(1'000'000'005, 5, 0, 10);
  CHECK(plan.waiting(5) == 29);
  CHECK(plan.waiting(25) == 9);
  plan.add(1'000'000'007, 2, 0, 10);
  CHECK(plan.waiting(1'000'000'005) == 2);
  CHECK(plan.waiting(1'000'000'007) == 0);
  plan.start(1'000'000'007);
  CHECK(plan.waiting(1'000'000'007) == 0);
}

TEST_CASE("folds that follow the plan are bounded and leave nothing", "[model][fold_plan]") {
  const auto seed = footfall::test::new_seed();
  INFO(footfall::test::repeated_by(seed));
  std::mt19937 random{seed};
  constexpr size_t most = 10;
  fold_plan plan;
  plan.start(0);
  int64_t next = 0;
  int64_t folded = 0;
  int64_t until = 0; // Of the fold under way.
  std::deque<int64_t> records;
  for (int i = 0; i < 20'000; ++i) {
    if (random() % 3 != 0) {
      const size_t count = random() % 6;
      for (size_t k = 0; k < count; ++k)
        records.push_back(next += 1 + random() % 50);
      next += static_cast<int64_t>(random() % 3) + (count == 0);
      plan.add(next, count, std::max(folded, until), 1 + random() % most);
      const auto unfolded =
          std::count_if(records.begin(), records.end(), [&](int64_t x) { return x > folded; });
      REQUIRE(plan.waiting(folded) == static_cast<size_t>(unfolded));
    } else if (until > folded) {
      if (random() % 4 != 0) // Else it failed.
        folded = until;
      until = 0;
    } else if (folded < next) {
      until = plan.end(folded, most);
      REQUIRE(until > folded);
      REQUIRE(until <= next);
      const auto in_it = std::count_if(records.begin(), records.end(),
                                       [&](int64_t x) { return x > folded && x <= until; });
      REQUIRE(in_it <= static_cast<long>(most));
      while (!records.empty() && records.front() <= folded)
        records.pop_front();
    }
  }
}
