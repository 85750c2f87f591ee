#include "tests/model/one_node.hpp"

using namespace footfall::test;

namespace {

std::optional<int64_t> live_as_of(const one_node& x, int64_t now_us, int64_t applied_us = 0,
                                  std::optional<int64_t> applying_us = {}) {
  return footfall::model::live_as_of(x.it.freshness_of(0), 2 * s, now_us, applied_us, applying_us);
}

} // namespace

TEST_CASE("a partition stops when three seconds have passed since its last beat was sent",
          "[ownership]") {
  one_node x;
  x.own();
  x.send_beat();
  const auto sent = x.now;
  x.now += 300 * ms;
  x.answer();
  CHECK(x.it.lease_until_us() == sent + 3 * s);
  for (int i = 0; i < 3; ++i)
    x.send_beat(); // None is answered.
  CHECK(x.it.wake_us() == sent + 3 * s);
  CHECK(x.it.tick(sent + 3 * s - 1).empty());
  CHECK(find(x.it.tick(sent + 3 * s), kind::stop));
  CHECK(x.it.runs_with(0) == 0);
  CHECK(x.it.beat_failed(x.beat_no, sent + 3 * s).size() == 1); // The next beat.
}

TEST_CASE("a beat or a claim that is answered when the lease is over gives nothing",
          "[ownership]") {
  one_node x;
  const auto asked = x.beat();
  x.send_beat();
  x.now += 4 * s;
  CHECK(x.it.claimed(0, asked[0].number, 1, x.now).empty());
  CHECK(find(x.answer(), kind::claim) == nullptr);
  CHECK(x.it.lease_until_us() < x.now);
}

TEST_CASE("an answer from memory is as of the last beat, claim or apply, and two seconds old at "
          "most",
          "[ownership]") {
  one_node x;
  CHECK_FALSE(live_as_of(x, x.now));
  const auto asked = x.beat();
  const auto claim_sent = x.now;
  CHECK_FALSE(live_as_of(x, x.now));
  x.now += 10 * ms;
  x.it.claimed(0, asked[0].number, 1, x.now);
  x.rows.partitions[0] = {0, {"me", 5}, 1};
  CHECK(live_as_of(x, x.now) == claim_sent);
  CHECK(x.it.freshness_of(0).until_us == claim_sent + 2 * s);
  x.send_beat();
  const auto sent = x.now;
  x.answer();
  CHECK(live_as_of(x, x.now) == sent);
  CHECK(live_as_of(x, x.now, sent + ms) == sent + ms);
  CHECK(live_as_of(x, x.now, 0, sent - ms) == sent - ms);
  CHECK(live_as_of(x, sent + 2 * s) == sent);
  CHECK_FALSE(live_as_of(x, sent + 2 * s + 1));
  CHECK_FALSE(live_as_of(x, sent + 2 * s + 1, sent + s)); // Applies renew nothing.
  CHECK_FALSE(live_as_of(x, sent + s, 0, sent - 2 * s));
}

TEST_CASE("SIGTERM releases all, and leaves when the rows say so", "[ownership]") {
  one_node x;
  x.own();
  x.now += 100 * ms;
  const auto out = x.it.drain(x.now);
  REQUIRE(out.size() == 2);
  CHECK(out[0].what == kind::release);
  CHECK(out[1].what == kind::beat);
  CHECK(x.it.draining());
  x.beat_no = out[1].number;
  CHECK(x.answer().empty()); // The release is under way.
  x.now += 100 * ms;
  const auto asked = x.it.release_ended(0, out[0].number, x.now);
  REQUIRE(find(asked, kind::beat));
  x.beat_no = asked[0].number;
  SECTION("it was done") {
    x.rows.partitions[0].owner = {};
    const auto left = x.answer();
    REQUIRE(left.size() == 1);
    CHECK(left[0].what == kind::leave);
    CHECK(x.it.ended());
    CHECK(x.it.tick(x.now + 10 * s).empty());
  }
  SECTION("it was not") {
    CHECK(find(x.answer(), kind::release));
  }
}

TEST_CASE("a claim that is answered while it drains is given back", "[ownership]") {
  one_node x;
  const auto asked = x.beat();
  x.it.drain(x.now);
  const auto out = x.it.claimed(0, asked[0].number, 1, x.now);
  REQUIRE(out.size() == 1);
  CHECK(out[0].what == kind::release);
  CHECK(x.it.runs_with(0) == 0);
}

TEST_CASE("a later process of the name ends this one", "[ownership]") {
  one_node x;
  x.own();
  x.rows.renewed = false;
  const auto out = x.beat();
  REQUIRE(out.size() == 2);
  CHECK(out[0].what == kind::stop);
  CHECK(out[1].what == kind::end);
  CHECK(x.it.tick(x.now + 10 * s).empty());
  CHECK(x.it.claimed(0, 99, 9, x.now + 10 * s).empty());
}

TEST_CASE("who has no log for five seconds while another has gives its partitions away",
          "[ownership]") {
  one_node x;
  x.own();
  auto& peer = x.peer();
  x.it.log_fails(x.now);
  CHECK(x.it.log() == log_reach::fails);
  x.beat();
  SECTION("another has it") {
    CHECK(x.beat_for(4'500 * ms).empty());
    CHECK(find(x.beat_for(s), kind::release));
    CHECK(x.it.log() == log_reach::lost);
    x.now += 100 * ms;
    CHECK(find(x.it.log_works(x.now), kind::beat));
    CHECK(x.it.log() == log_reach::works);
  }
  SECTION("nobody has it") {
    peer.log = log_reach::fails;
    CHECK(x.beat_for(10 * s).empty());
    CHECK(x.it.log() == log_reach::fails);
  }
  SECTION("it could not look on for as long") { // As if nothing at all had reached it.
    x.now += 10 * s;
    x.beat();
    CHECK(x.beat_for(4'500 * ms).empty());
    CHECK(x.it.log() == log_reach::fails);
    x.beat_for(s);
    CHECK(x.it.log() == log_reach::lost);
  }
  SECTION("another has it, and a beat fails now and then") {
    bool is_released = false;
    for (int i = 0; i < 8; ++i) {
      x.send_beat();
      x.it.beat_failed(x.beat_no, x.now);
      is_released |= find(x.beat_for(s), kind::release) != nullptr;
    }
    CHECK(is_released);
  }
  SECTION("it has it again") {
    x.beat_for(4 * s);
    x.it.log_works(x.now);
    x.it.log_fails(x.now);
    CHECK(x.beat_for(4'500 * ms).empty());
  }
}

TEST_CASE("a node of another role only looks", "[ownership]") {
  one_node x;
  x.it = ownership{{"me", 5}, false};
  CHECK(x.beat_for(5 * s).empty());
}

TEST_CASE("what is late for a beat that has failed is nothing", "[ownership]") {
  one_node x;
  x.send_beat();
  x.it.beat_failed(x.beat_no, x.now + 10 * ms);
  CHECK(x.answer().empty());
  CHECK(x.it.lease_until_us() == 0);
}
