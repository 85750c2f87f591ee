#include <catch2/catch.hpp>

#include "tests/model/progress_calls.hpp"

using namespace footfall;
using namespace footfall::test;

TEST_CASE("folds are small while the partition keeps up, and follow each other", "[progress]") {
  progress_rules rules;
  rules.fold_step = 2;
  rules.fold_max = 8;
  auto x = running(0, 0, rules);
  auto apply = [&](int64_t from, int64_t until) {
    std::vector<log_entry> all;
    for (auto i = from; i < until; ++i)
      all.push_back(entries({i}).front());
    x.take_batch(until, 100, std::move(all));
    REQUIRE(has(x.next(until * 10'000), kind::apply));
    x.applied(until * 10'000);
    return x.go_on(until * 10'000);
  };
  CHECK(has(apply(0, 2), kind::fold_later));
  apply(2, 4);
  apply(4, 6);
  REQUIRE(x.fold_due());
  CHECK(x.fold_end() == 2);
  CHECK_FALSE(has(apply(6, 7), kind::fold)); // One is under way.
  CHECK(has(x.folded(80'000), kind::fold));
  REQUIRE(x.begin_fold());
  CHECK(x.fold_end() == 4);
  CHECK(has(x.folded(80'000), kind::fold));
  REQUIRE(x.begin_fold());
  CHECK(x.fold_end() == 6);
  const auto then = x.folded(80'000); // As far as the tick saw.
  CHECK(has(then, kind::fold_later));
  CHECK_FALSE(has(then, kind::fold));
  for (int64_t i = 7; i < 13; ++i)
    apply(i, i + 1);
  CHECK(has(apply(13, 14), kind::fold)); // Eight: behind, so all at once.
  REQUIRE(x.begin_fold());
  CHECK(x.fold_end() == 14);
}

TEST_CASE("a fold that failed is tried again at the tick, and one tick is out", "[progress]") {
  progress_rules rules;
  rules.fold_step = 1;
  rules.fold_max = 5;
  auto x = running(0, 0, rules);
  size_t ticks = 0, folds = 0;
  auto see = [&](const progress_steps& steps) {
    for (const auto& step : steps) {
      ticks += step.what == kind::fold_later ? 1 : 0;
      folds += step.what == kind::fold ? 1 : 0;
    }
  };
  int64_t at = 0;
  auto apply = [&] {
    x.take_batch(at + 1, 1'000, entries({at}));
    ++at;
    REQUIRE(has(x.next(at * 10'000), kind::apply));
    x.applied(at * 10'000);
    see(x.go_on(at * 10'000));
  };
  apply();
  for (int round = 0; round < 10; ++round) {
    CHECK(ticks == 1);
    CHECK(folds == 0);
    ticks = 0;
    REQUIRE(x.fold_due());
    see(x.fold_failed(at * 10'000));
    for (int i = 0; i < 10; ++i)
      apply();
    CHECK_FALSE(x.begin_fold());
  }
  REQUIRE(x.fold_due());
  ticks = 0;
  do // Behind by more than fold_max, then step by step, and one tick again at the end.
    see(x.folded(at * 10'000));
  while (x.begin_fold());
  CHECK(x.folded_offset() == at);
  CHECK(ticks == 0);
  apply();
  CHECK(ticks == 1);
}

TEST_CASE("applies wait while too much is not folded", "[progress]") {
  progress_rules rules;
  rules.unfolded_max = 3;
  auto x = running(0, 0, rules);
  x.take_batch(3, 5, entries({0, 1, 2}));
  x.next(10'000);
  x.applied(10'000);
  x.take_batch(5, 5, entries({3, 4}));
  CHECK(x.unfolded() == 3);
  const auto steps = x.go_on(20'000);
  CHECK(has(steps, kind::wait_for_folds));
  CHECK_FALSE(has(steps, kind::apply));
  REQUIRE(x.fold_due());
  CHECK(has(x.fold_failed(10'000), kind::fold_later));
  REQUIRE_FALSE(x.begin_fold()); // Not before the tick.
  CHECK_FALSE(has(x.gathered(30'000), kind::apply));
  REQUIRE(x.fold_due());
  CHECK(has(x.folded(40'000), kind::apply));
}

TEST_CASE("somebody else's fold is learned", "[progress]") {
  auto x = running(9, 2);
  REQUIRE(x.begin_fold());
  CHECK_FALSE(x.begin_fold());                        // The store is asked how far.
  CHECK(has(x.learn_folded(2, 0), kind::fold_later)); // Nobody did: once more, later.
  REQUIRE(x.fold_due());
  x.learn_folded(9, 0);
  CHECK(x.folded_offset() == 9);
  CHECK_FALSE(x.begin_fold());
}
