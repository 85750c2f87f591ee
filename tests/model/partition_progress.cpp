#include <catch2/catch.hpp>

#include <deque>
#include <map>
#include <optional>
#include <random>

#include "tests/model/progress_calls.hpp"

using namespace footfall;
using namespace footfall::test;

TEST_CASE("a partition that starts reads, and folds what was left", "[progress]") {
  partition_progress x;
  x.claim();
  CHECK(x.at() == partition_progress::phase::claiming);
  CHECK(x.next(0).empty());
  const auto steps = x.start(7, 20, 15);
  CHECK(x.running());
  CHECK(x.epoch() == 7);
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].what == kind::credit);
  CHECK(steps[0].count == 2);
  CHECK(steps[1].what == kind::fold);
  REQUIRE(x.begin_fold());
  CHECK(x.fold_end() == 20);
  CHECK_FALSE(x.begin_fold());
}

TEST_CASE("records are applied in order, one batch at a time", "[progress]") {
  progress_rules rules;
  rules.gather_from = 3;
  auto x = running(5, 5, rules);
  x.take_batch(8, 12, entries({5, 6, 7}));
  CHECK(x.log_end() == 12);
  CHECK(x.pending_bytes() == 12);
  CHECK(has(x.next(10'000), kind::apply));
  CHECK(x.in_flight().size() == 3);
  CHECK(x.in_flight_end() == 8);
  x.take_batch(12, 12, entries({8, 10}));
  CHECK_FALSE(has(x.next(20'000), kind::apply));
  x.applied(20'000);
  CHECK(x.next_offset() == 8);
  auto steps = x.go_on(20'000);
  CHECK(has(steps, kind::apply_later));
  CHECK(has(steps, kind::fold_later));
  CHECK(has(x.gathered(25'000), kind::apply));
  x.applied(26'000);
  CHECK(x.next_offset() == 12); // Offset 11 has no record.
}

TEST_CASE("a lone client's records are applied at once, many clients' a moment later",
          "[progress]") {
  auto x = running(0);
  for (int64_t i = 0; i < 6; i += 3) {
    x.take_batch(i + 3, i + 3, entries({i, i + 1, i + 2}));
    CHECK(has(x.next(10'000), kind::apply));
    x.applied(10'000);
    CHECK_FALSE(has(x.go_on(10'000), kind::apply_later));
  }
  x.take_batch(10, 10, entries({6, 7, 8, 9}));
  CHECK(has(x.next(10'000), kind::apply));
  x.applied(11'000);
  x.take_batch(11, 11, entries({10}));
  CHECK(has(x.next(11'000), kind::apply_later));
  CHECK_FALSE(has(x.next(15'999), kind::apply));
  CHECK(has(x.gathered(16'000), kind::apply));
  x.applied(16'500);
  x.take_batch(12, 12, entries({11})); // It is alone again.
  CHECK(has(x.next(16'500), kind::apply));
}

TEST_CASE("what does not join what came is known", "[progress]") {
  auto x = running(5);
  CHECK_FALSE(x.joins(6, 8));
  CHECK_FALSE(x.joins(4, 8));
  CHECK_FALSE(x.joins(5, 5));
  CHECK(x.joins(5, 6));
}

TEST_CASE("offsets without records alone move it too", "[progress]") {
  auto x = running(5);
  x.take_batch(9, 9, {});
  CHECK(has(x.next(10'000), kind::apply));
  CHECK(x.in_flight().empty());
  x.applied(10'000);
  CHECK(x.next_offset() == 9);
}

TEST_CASE("the reader gets no credit while much waits", "[progress]") {
  progress_rules rules;
  rules.batch_max = 3;
  rules.pending_bytes_max = 10;
  auto x = running(0, 0, rules);
  CHECK(x.credit() == 2);
  x.take_batch(2, 9, entries({0, 1}));
  CHECK(has(x.next(10'000), kind::apply)); // Nothing is pending: credit.
  CHECK(x.credit() == 2);
  x.take_batch(5, 9, entries({2, 3, 4}));
  CHECK(x.next(10'000).empty()); // Twelve bytes, three records.
  CHECK(x.credit() == 1);
  x.applied(10'000);
  const auto steps = x.go_on(10'000); // A full batch does not gather.
  CHECK(has(steps, kind::apply));
  CHECK(has(steps, kind::credit));
}

TEST_CASE("failures in a row wait longer each time", "[progress]") {
  partition_progress x;
  CHECK(x.claim_later() == 50'000);
  CHECK(x.claim_later() == 100'000);
  for (int i = 0; i < 10; ++i)
    x.claim_later();
  CHECK(x.claim_later() == 1'000'000);
  x.forget_failures();
  CHECK(x.claim_later() == 50'000);
  x.claim();
  x.start(1, 0, 0);
  x.take_batch(1, 1, entries({0}));
  x.next(10'000);
  x.applied(10'000);
  CHECK(x.claim_later() == 50'000);
}

TEST_CASE("nothing of an earlier claim is kept", "[progress]") {
  auto x = running();
  x.take_batch(2, 2, entries({0, 1}));
  x.next(10'000);
  REQUIRE(x.applying());
  const auto before = x.claim_no();
  x.claim();
  CHECK(x.claim_no() == before + 1);
  x.start(2, 2, 0); // It was committed all the same.
  CHECK_FALSE(x.applying());
  CHECK(x.in_flight().empty());
  CHECK(x.credit() == 2);
}

TEST_CASE("a successor numbers its claims elsewhere", "[progress]") {
  partition_progress one{{}, uint64_t{1} << 32}, two{{}, uint64_t{2} << 32};
  CHECK_FALSE(two.has_claimed());
  for (int i = 0; i < 5; ++i)
    one.claim();
  two.claim();
  CHECK(two.has_claimed());
  CHECK(two.claim_no() > one.claim_no());
}

TEST_CASE("a stopped partition does nothing", "[progress]") {
  auto x = running(3);
  x.take_batch(5, 9, entries({3, 4}));
  x.stop();
  CHECK(x.stopped());
  CHECK(x.next_offset() == 3);
  CHECK(x.go_on(10'000).empty());
  CHECK_FALSE(x.begin_fold());
  CHECK(x.fold_failed(10'000).empty());
  x.stand_at(4, 2);
  CHECK(x.next_offset() == 4);
  x.claim();
  x.start(2, 4, 4);
  CHECK(x.running());
}

namespace {

/// A store, a log with holes, a reader and timers, which chance drives and lets fail.
class world {
public:
  explicit world(uint32_t seed) : random_(seed) {
    rules_.batch_max = 1 + random_() % 6;
    rules_.fold_max = 1 + random_() % 9;
    rules_.fold_step = 1 + random_() % 9;
    rules_.unfolded_max = 2 * rules_.fold_max + random_() % 20;
    rules_.pending_bytes_max = 30;
    at_ = partition_progress{rules_};
    for (int64_t i = 0; i < 40; ++i)
      if (chance(3, 4))
        log_.push_back(i);
    at_.claim();
    claim_asked_ = true;
  }

  /// Runs until all is applied and folded. @returns false when it came to rest before.
  bool run() {
    for (int i = 0; i < 20'000; ++i) {
      is_calm_ = i > 2'000;
      check();
      if (next_ == 40 && folded_ == 40 && at_.running() && at_.folded_offset() == 40)
        return applied_ == log_;
      if (!something())
        return false;
    }
    return false;
  }

private:
  bool chance(unsigned of, unsigned among) { return random_() % among < of; }
  bool fails() { return !is_calm_ && chance(1, 8); }

  void check() {
    REQUIRE(at_.folded_offset() <= at_.next_offset());
    REQUIRE(at_.next_offset() <= at_.in_flight_end());
    REQUIRE(at_.in_flight_end() <= at_.read_offset());
    REQUIRE(at_.credit() <= rules_.batches_ahead);
    REQUIRE(folded_ <= next_);
    REQUIRE(at_.unfolded() <= std::max<size_t>(rules_.unfolded_max, 40));
  }

  void obey(const progress_steps& steps) {
    for (const auto& x : steps)
      switch (x.what) {
      case kind::apply: apply_asked_ = at_.claim_no(); break;
      case kind::apply_later: ticks_.push_back({at_.claim_no(), now_ + x.us, true}); break;
      case kind::credit: sendable_ += x.count; break;
      case kind::fold: ticks_.push_back({at_.claim_no(), now_, false, true}); break;
      case kind::wait_for_folds: break;
      case kind::fold_later: ticks_.push_back({at_.claim_no(), now_ + x.us, false}); break;
      }
  }

  void claim_again() {
    if (chance(1, 2))
      at_.claim_later();
    else
      at_.claim();
    claim_asked_ = true;
    apply_asked_ = fold_asked_ = 0;
    sendable_ = 0;
  }

  /// One thing that may happen next. @returns false when nothing can.
  bool something() {
    std::vector<void (world::*)()> can;
    if (claim_asked_)
      can.push_back(&world::answer_claim);
    if (apply_asked_ != 0)
      can.push_back(&world::answer_apply);
    if (fold_asked_ != 0)
      can.push_back(&world::answer_fold);
    if (at_.running() && sendable_ > 0 && at_.read_offset() < 40)
      can.push_back(&world::read);
    if (!ticks_.empty())
      can.push_back(&world::tick);
    if (can.empty())
      return false;
    (this->*can[random_() % can.size()])();
    return true;
  }

  void answer_claim() {
    claim_asked_ = false;
    if (fails())
      return claim_again();
    ++epoch_;
    obey(at_.start(epoch_, next_, folded_));
  }

  void answer_apply() {
    const bool is_lost = fails();
    apply_asked_ = 0;
    if (!is_lost || chance(1, 2)) {
      REQUIRE(at_.next_offset() == next_);
      for (const auto& x : at_.in_flight())
        applied_.push_back(x.offset);
      next_ = at_.in_flight_end();
    }
    if (is_lost)
      return claim_again();
    at_.applied(now_);
    obey(at_.go_on(now_));
  }

  void answer_fold() {
    fold_asked_ = 0;
    if (fails())
      return obey(at_.fold_failed(now_));
    if (fails()) { // Its answer was lost, and the next one finds it done.
      folded_ = at_.fold_end();
      return obey(at_.learn_folded(folded_, now_));
    }
    REQUIRE(at_.folded_offset() == folded_);
    folded_ = at_.fold_end();
    obey(at_.folded(now_));
  }

  void read() {
    --sendable_;
    const auto from = at_.read_offset();
    const auto until = std::min<int64_t>(40, from + 1 + static_cast<int64_t>(random_() % 5));
    std::vector<log_entry> found;
    for (auto x : log_)
      if (x >= from && x < until)
        found.push_back({x, 0, record_format::protobuf, std::string(random_() % 9, 'x')});
    REQUIRE(at_.joins(from, until));
    at_.take_batch(until, 40, std::move(found));
    obey(at_.next(now_));
  }

  void tick() {
    const auto i = random_() % ticks_.size();
    const auto x = ticks_[i];
    ticks_.erase(ticks_.begin() + static_cast<std::ptrdiff_t>(i));
    now_ = std::max(now_, x.at_us);
    if (x.claim_no != at_.claim_no())
      return;
    if (x.is_of_apply)
      return obey(at_.gathered(now_));
    if (x.is_now ? at_.begin_fold() : at_.fold_due())
      fold_asked_ = at_.claim_no();
  }

  struct waiting_tick {
    uint64_t claim_no;
    int64_t at_us;
    bool is_of_apply;
    bool is_now = false;
  };

  std::mt19937 random_;
  progress_rules rules_;
  partition_progress at_;
  bool is_calm_ = false;
  std::vector<int64_t> log_, applied_;
  int64_t next_ = 0, folded_ = 0, epoch_ = 0, now_ = 1'000'000;
  bool claim_asked_ = false;
  uint64_t apply_asked_ = 0, fold_asked_ = 0;
  uint32_t sendable_ = 0;
  std::vector<waiting_tick> ticks_;
};

} // namespace

TEST_CASE("whatever fails, each record is applied once, in order, and all is folded",
          "[progress]") {
  for (uint32_t seed = 1; seed <= 3'000; ++seed) {
    INFO("seed " << seed);
    REQUIRE(world{seed}.run());
  }
}
