#include "actors/model/backlog.hpp"
#include "tests/support/seed.hpp"

#include <random>
#include <vector>

#include <catch2/catch.hpp>

using footfall::model::backlog;

TEST_CASE("what is applied does not wait", "[model][backlog]") {
  backlog x;
  x.start(100, 0, 10, 1);
  CHECK_FALSE(x.oldest());
  x.learn(100, 110, 5'000'000, 5'000'000, 1);
  x.learn(110, 120, 7'000'000, 7'000'000, 1);
  CHECK(x.oldest() == 5'000'000);
  CHECK(x.complete_until(110) == 7'000'000);
  CHECK_FALSE(x.complete_until(120));
  x.apply(109, 5'000'000, 1);
  CHECK(x.oldest() == 5'000'000); // The tenth of them still does.
  x.apply(110, 5'000'000, 1);
  CHECK(x.oldest() == 7'000'000);
  x.apply(120, 7'000'000, 1);
  CHECK_FALSE(x.oldest());
  x.learn(110, 120, 1, 1, 1); // The report that came behind the apply.
  CHECK_FALSE(x.oldest());
  CHECK(x.end() == 120);
}

TEST_CASE("an append counts from the moment it is sent", "[model][backlog]") {
  backlog x;
  x.start(0, 0, 10, 1);
  x.send(50, 1);
  x.send(50, 1);
  x.send(60, 1);
  CHECK(x.complete_until(0) == 50);
  CHECK_FALSE(x.oldest()); // Nobody was told that it is in the log.
  x.settle(50, 1);
  CHECK(x.complete_until(0) == 50);
  x.learn(0, 1, 50, 50, 1);
  x.settle(50, 1);
  CHECK(x.complete_until(0) == 50);
  CHECK(x.complete_until(1) == 60);
  x.forget_sent();
  CHECK_FALSE(x.complete_until(1));
}

TEST_CASE("of less than is applied nothing is known any more", "[model][backlog]") {
  backlog x;
  x.start(0, 0, 10, 1);
  x.learn(0, 4, 50, 50, 1);
  x.learn(4, 8, 5'000, 5'000, 1);
  x.apply(4, 50, 1);
  CHECK(x.complete_until(4) == 5'000);
  CHECK(x.complete_until(2) == 0);
  x.apply(8, 5'000, 1);
  CHECK_FALSE(x.complete_until(8));
  CHECK(x.complete_until(4) == 0);
}

TEST_CASE("what nobody saw arrive is as old as what stands before it", "[model][backlog]") {
  backlog x;
  x.start(1'000, 40'000'000, 10, 1); // The last record that was applied, before a restart.
  GIVEN("a log that reaches farther") {
    x.reach(5'000);
    CHECK(x.oldest() == 40'000'000);
    CHECK(x.first_unknown(1'000, 2'000) == 1'000);
    x.learn(5'000, 5'001, 90'000'000, 90'000'000, 1); // A new event.
    CHECK(x.oldest() == 40'000'000);
    WHEN("its records are read, piece by piece") {
      x.learn(1'000, 2'000, 50'000'000, 55'000'000, 1);
      CHECK(x.first_unknown(1'000, 3'000) == 2'000);
      CHECK(x.oldest() == 50'000'000);
      x.apply(2'000, 55'000'000, 1);
      CHECK(x.oldest() == 55'000'000);
      x.learn(2'000, 5'000, 56'000'000, 60'000'000, 1);
      CHECK(x.oldest() == 56'000'000);
      CHECK(x.first_unknown(2'000, 5'001) == 5'001);
      x.apply(5'000, 60'000'000, 1);
      CHECK(x.oldest() == 90'000'000);
    }
  }
  GIVEN("nothing more in the log") {
    x.reach(1'000);
    CHECK_FALSE(x.oldest());
  }
}

TEST_CASE("what stood in a log at the start may be older than what stands before it",
          "[model][backlog]") {
  backlog x;
  x.learn(3'000, 3'001, 90'000'000, 90'000'000, 1); // Acknowledged while the partition claims.
  x.start(1'000, 40'000'000, 10, 1, {2'000, 5'000'000});
  CHECK(x.oldest() == 40'000'000); // That nothing is older is a guess, and good enough for it.
  CHECK(x.complete_until(1'000) == 35'000'000);
  SECTION("until it is read") {
    x.learn(1'000, 1'500, 36'000'000, 42'000'000, 1);
    CHECK(x.complete_until(1'000) == 36'000'000);
    CHECK(x.complete_until(1'500) == 37'000'000);
    x.apply(1'500, 42'000'000, 1);
    CHECK(x.complete_until(1'500) == 37'000'000);
    x.learn(1'500, 3'000, 38'000'000, 50'000'000, 1);
    CHECK(x.complete_until(1'500) == 38'000'000);
    CHECK(x.complete_until(3'000) == 90'000'000);
  }
  SECTION("also when a store goes back behind what was known") {
    x.learn(1'000, 3'000, 41'000'000, 42'000'000, 1);
    x.apply(3'001, 90'000'000, 1);
    CHECK_FALSE(x.complete_until(3'001));
    x.reach(4'000);
    CHECK(x.complete_until(3'001) == 90'000'000); // Of others: its own it would know of.
    x.start(2'000, 42'000'000, 10, 1, {4'000, 5'000'000});
    CHECK(x.complete_until(2'000) == 37'000'000);
  }
  SECTION("however many stretches there are") {
    for (int64_t i = 0; i < 300; ++i)
      x.learn(3'002 + i * 10, 3'012 + i * 10, 91'000'000 + i * 1'000, 91'000'000 + i * 1'000, 1);
    CHECK(x.complete_until(1'000) == 35'000'000);
  }
}

TEST_CASE("a store that went back lacks what it had", "[model][backlog]") {
  backlog x;
  x.start(0, 0, 10, 1);
  x.learn(0, 100, 1'000'000, 2'000'000, 1);
  x.apply(100, 2'000'000, 1);
  CHECK_FALSE(x.oldest());
  x.start(40, 1'500'000, 10, 1);
  CHECK(x.oldest() == 1'500'000);
  CHECK(x.end() == 100);
  x.apply(100, 2'000'000, 1);
  CHECK_FALSE(x.oldest());
}

TEST_CASE("a partition that comes back keeps what was appended here meanwhile",
          "[model][backlog]") {
  backlog x;
  x.start(0, 0, 10, 1);
  x.learn(3, 5, 9'806, 9'806, 1); // The log was looked at before this.
  x.start_among_others(3, 50, 10, 1, {3, 0});
  CHECK(x.end() == 5);
  CHECK(x.complete_until(3) == 9'806);
  x.start_among_others(3, 50, 10, 1, {8, 20});
  CHECK(x.end() == 8);
  CHECK(x.complete_until(3) == 9'786); // What others appended behind it may be older by 20.
  x.start_among_others(5, 60, 10, 1, {8, 20});
  CHECK(x.complete_until(5) == 40);
}

TEST_CASE("what others appended for this node may have arrived earlier than is believed",
          "[model][backlog]") {
  backlog x;
  x.start(100, 0, 10, 1);
  x.learn_of_others(100, 103, 5'000'000, 1); // One of them is another request's, told later.
  CHECK(x.complete_until(100) == 5'000'000);
  x.learn_of_others(101, 102, 1'000'000, 1);
  CHECK(x.complete_until(100) == 1'000'000);
  x.learn_of_others(110, 111, 9'000'000, 1);
  CHECK(x.complete_until(103) <= 9'000'000);
  x.apply(103, 0, 1);
  x.learn_of_others(100, 102, 10, 1); // They are applied.
  CHECK(x.complete_until(103) > 10);
}

TEST_CASE("before the start nothing is known", "[model][backlog]") {
  backlog x;
  CHECK(x.complete_until(0) == 0);
  x.learn(1'000, 1'001, 90'000'000, 90'000'000, 1); // Acknowledged while the partition claims.
  CHECK(x.complete_until(0) == 0);
  x.start(500, 40'000'000, 10, 1);
  CHECK(x.oldest() == 40'000'000); // What stands between is not known, but newer than that.
  x.apply(1'000, 50'000'000, 1);
  CHECK(x.oldest() == 90'000'000);
  x.forget_offsets(); // Of a log that was made anew.
  CHECK(x.complete_until(0) == 0);
  x.start(0, 0, 10, 1);
  CHECK_FALSE(x.complete_until(0));
}

TEST_CASE("the age of a backlog is never told too young", "[model][backlog]") {
  const auto seed = footfall::test::new_seed();
  INFO(footfall::test::repeated_by(seed));
  std::mt19937 random{seed};
  auto upto = [&](int64_t most) { return std::uniform_int_distribution<int64_t>{0, most}(random); };
  for (int round = 0; round < 50; ++round) {
    backlog x;
    x.start(0, 0, 10, 1);
    std::vector<int64_t> arrivals; // By offset.
    int64_t applied = 0, now = 1'000'000'000, span = 0;
    const int64_t pause_us = int64_t{1} << upto(20);
    for (int step = 0; step < 2'000; ++step) {
      now += upto(pause_us);
      if (upto(2) > 0) {
        const auto first = static_cast<int64_t>(arrivals.size());
        arrivals.resize(arrivals.size() + static_cast<size_t>(upto(20)) + 1, now);
        x.learn(first, static_cast<int64_t>(arrivals.size()), now, now, now);
      } else if (const auto waiting = static_cast<int64_t>(arrivals.size()) - applied;
                 waiting > 0) {
        applied += upto(std::min<int64_t>(waiting, round % 2 == 0 ? 5 : 60));
        x.apply(applied, applied > 0 ? arrivals[static_cast<size_t>(applied) - 1] : 0, now);
      }
      REQUIRE(x.marks() <= backlog::marks_max);
      REQUIRE(x.end() == static_cast<int64_t>(arrivals.size()));
      if (applied == static_cast<int64_t>(arrivals.size())) {
        REQUIRE_FALSE(x.oldest());
        span = 0;
        continue;
      }
      const auto oldest = arrivals[static_cast<size_t>(applied)];
      REQUIRE(x.oldest());
      REQUIRE(*x.oldest() <= oldest);
      // Nor much too old: by a part of the greatest age it has had, or a millisecond.
      span = std::max(span, now - oldest);
      REQUIRE(oldest - *x.oldest() <= std::max<int64_t>(1'000, span / 20));
    }
  }
}

namespace {

constexpr int64_t limit = 30'000'000;

/// A partition with full batches of 100.
struct paced : backlog {
  int64_t now = 1'000'000'000;
  paced() { start(0, 0, 100, now); }
  void arrive(int64_t records) { learn(end(), end() + records, now, now, now); }
  /// Applies 100 at once, four times a second.
  void work(int seconds) {
    for (int i = 0; i < seconds * 4; ++i) {
      now += 250'000;
      apply(std::min(applied() + 100, end()), now, now);
    }
  }
  outlook ahead() const { return look_ahead(limit, now); }
};

} // namespace

TEST_CASE("how long a new record would wait", "[model][backlog]") {
  paced x;
  CHECK(x.ahead().wait_us == 0);
  x.arrive(20'000);
  x.work(10);
  SECTION("is what waits, by the pace") {
    CHECK(x.ahead().wait_us == Approx(40e6).epsilon(0.02));
    CHECK(x.ahead().room == 0);
    CHECK_FALSE(x.ahead().is_stalled);
  }
  SECTION("counts records on their way") {
    x.send(x.now, 4'000);
    CHECK(x.ahead().wait_us == Approx(50e6).epsilon(0.02));
    x.settle(x.now, 4'000);
    CHECK(x.ahead().wait_us == Approx(40e6).epsilon(0.02));
  }
  SECTION("is less as soon as less waits, however old the oldest is") {
    x.work(15);
    CHECK(x.now - *x.oldest() >= 10'000'000);
    CHECK(x.ahead().wait_us == Approx(25e6).epsilon(0.02));
    CHECK(x.ahead().room == Approx(2'000).epsilon(0.05));
  }
  SECTION("is nothing once all is applied") {
    x.work(60);
    REQUIRE_FALSE(x.oldest());
    x.arrive(99);
    CHECK(x.ahead().wait_us == 0);
  }
}

TEST_CASE("until the pace is measured, a full batch is taken to need a moment",
          "[model][backlog]") {
  paced x;
  for (int i = 0; i < 100; ++i) { // Few at a time, each applied by itself.
    x.arrive(1);
    x.now += 10'000;
    x.apply(x.end(), x.now, x.now);
  }
  x.arrive(99);
  CHECK(x.ahead().wait_us == 0);
  CHECK(x.ahead().room == 29'901);
  x.arrive(19'901); // At the hundred a second that were seen it would be minutes.
  CHECK(x.ahead().wait_us == 20'000'000);
  CHECK(x.ahead().room == 10'000);
  x.work(1); // Measured: four batches a second, and not ten.
  CHECK(x.ahead().room == 0);
}

TEST_CASE("where nothing is applied, the time of that decides", "[model][backlog]") {
  paced x;
  x.now += 3'600'000'000; // An idle hour before does not count.
  x.arrive(1);
  CHECK(x.ahead().room > 0);
  x.now += 29'000'000;
  CHECK(x.ahead().room > 0);
  x.now += 2'000'000;
  CHECK(x.ahead().wait_us == 31'000'000);
  CHECK(x.ahead().room == 0);
  CHECK(x.ahead().is_stalled);
  x.apply(x.end(), x.now, x.now);
  CHECK(x.ahead().room > 0);
}

TEST_CASE("a wall clock that is set makes no standstill, and hides none", "[model][backlog]") {
  const int64_t hours = GENERATE(5, -5) * int64_t{3'600'000'000};
  paced x;
  x.learn(0, 1, x.now + hours, x.now + hours, x.now); // By a clock that was set just now.
  CHECK_FALSE(x.ahead().is_stalled);
  x.now += 31'000'000;
  CHECK(x.ahead().is_stalled);
  x.apply(1, x.now + hours, x.now);
  CHECK_FALSE(x.ahead().is_stalled);
}

TEST_CASE("an old backlog that a restart found is judged by its pace", "[model][backlog]") {
  paced x;
  x.start(0, 1'000'000, 100, x.now);
  x.reach(5'000);
  CHECK(x.ahead().room > 0); // Old, and perhaps quickly applied.
  x.work(5);
  CHECK(x.ahead().wait_us == Approx(7.5e6).epsilon(0.02));
}

TEST_CASE("before the start nothing is refused", "[model][backlog]") {
  backlog x;
  x.learn(1'000, 1'001, 50'000'000, 50'000'000, 1);
  CHECK(x.look_ahead(1'000'000, 90'000'000).room > 1'000);
  CHECK_FALSE(x.look_ahead(1'000'000, 90'000'000).is_stalled);
}

TEST_CASE("the first record after a silence does not make it a standstill", "[model][backlog]") {
  paced x;
  x.learn(0, 1, x.now, x.now, x.now);
  x.apply(1, x.now, x.now);
  x.now += 3'600'000'000;
  x.reach(2); // Somebody looked, before it was said when that record arrived.
  CHECK_FALSE(x.ahead().is_stalled);
  x.learn(1, 2, x.now, x.now, x.now);
  x.now += 31'000'000;
  CHECK(x.ahead().is_stalled);
}

TEST_CASE("what is behind an append under way is not taken for newer", "[model][backlog]") {
  backlog x;
  x.start(0, 0, 10, 1);
  x.send(100, 10); // Its report comes last.
  for (int64_t i = 0; i < 300; ++i)
    x.learn(10 + i * 10, 20 + i * 10, 200'000 + i * 5'000, 200'000 + i * 5'000, 1);
  x.learn(0, 10, 100, 100, 1);
  x.settle(100, 10);
  CHECK(x.complete_until(0) <= 100);
}
