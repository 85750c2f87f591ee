#include "tests/model/one_node.hpp"

#include <deque>
#include <utility>

using namespace footfall::test;

namespace {

/// Two beats of a node with one partition under way, the second sent half a second after the
/// first.
struct two_beats : one_node {
  two_beats() {
    own();
    send_beat();
    first = {beat_no, now};
    send_beat();
    second = {beat_no, now};
    REQUIRE(second.number > first.number);
  }
  struct sent {
    uint64_t number = 0;
    int64_t at = 0;
  };
  ownership_actions answer(const sent& x, const beat_answer& says) {
    now += 10 * ms;
    return it.beat_answered(x.number, says, now);
  }

  sent first, second;
};

constexpr int64_t grace = 250 * ms;

} // namespace

TEST_CASE("a node beats every half second, three times at most where none is answered",
          "[ownership]") {
  one_node x;
  const auto first = x.it.tick(x.now);
  REQUIRE(first.size() == 1);
  CHECK(first[0].what == kind::beat);
  CHECK(x.it.wake_us() == x.now + 500 * ms);
  CHECK(x.it.tick(x.now + 499 * ms).empty());
  const auto second = x.it.tick(x.now + 500 * ms);
  REQUIRE(second.size() == 1);
  CHECK(second[0].what == kind::beat);
  CHECK(x.it.wake_us() == x.now + 1'000 * ms);
  const auto third = x.it.tick(x.now + 1'000 * ms);
  REQUIRE(third.size() == 1);
  CHECK(third[0].what == kind::beat);
  CHECK(x.it.wake_us() == INT64_MAX);
  CHECK(x.it.tick(x.now + 10 * s).empty());
  SECTION("one failed") {
    CHECK(find(x.it.beat_failed(first[0].number, x.now + 10 * s), kind::beat));
  }
  SECTION("two failed") {
    const auto next = x.it.beat_failed(third[0].number, x.now + 10 * s);
    REQUIRE(find(next, kind::beat));
    CHECK(x.it.beat_failed(first[0].number, x.now + 10'100 * ms).empty());
    CHECK(x.it.wake_us() == x.now + 10'500 * ms);
  }
}

TEST_CASE("what asks for a beat at once gets one, but not more than one in 50 ms", "[ownership]") {
  one_node x{0};
  x.beat();
  const auto sent = x.now - 10 * ms;
  CHECK(x.it.look(x.now).empty());
  CHECK(x.it.wake_us() == sent + 50 * ms);
  CHECK(find(x.it.tick(sent + 50 * ms), kind::beat));
}

TEST_CASE("what asks for a beat while one is under way gets it when that is answered, or is due",
          "[ownership]") {
  one_node x{0};
  x.beat();
  x.send_beat();
  const auto sent = x.now;
  CHECK(x.it.look(sent + 100 * ms).empty());
  SECTION("answered") {
    x.now += 200 * ms;
    CHECK(find(x.answer(), kind::beat));
  }
  SECTION("due") {
    CHECK(x.it.tick(sent + 499 * ms).empty());
    CHECK(find(x.it.tick(sent + 500 * ms), kind::beat));
  }
}

TEST_CASE("of two beats the later one that is answered counts", "[ownership]") {
  two_beats x;
  x.rows.partitions[0] = {0, {"me", 5}, 1};
  SECTION("the second first") {
    x.answer(x.second, x.rows);
    CHECK(x.it.lease_until_us() == x.first.at + 3 * s);
    auto old = x.rows;
    old.partitions[0] = {0, {"peer", 1}, 9}; // It would stop the partition.
    CHECK_FALSE(x.it.is_news(x.first.number));
    CHECK(x.answer(x.first, old).empty());
    CHECK(x.it.runs_with(0) == 1);
  }
  SECTION("the first first") {
    x.answer(x.first, x.rows);
    CHECK(x.it.lease_until_us() == x.first.at + 3 * s);
    CHECK(x.it.freshness_of(0).confirmed_us == x.first.at);
    x.answer(x.second, x.rows);
  }
  CHECK(x.it.lease_until_us() == x.first.at + 3 * s);
  CHECK(x.it.freshness_of(0).confirmed_us == x.second.at);
}

TEST_CASE("whichever of two beats tells it, a later process that has the name ends this one",
          "[ownership]") {
  two_beats x;
  auto replaced = x.rows;
  replaced.renewed = false;
  const auto out = x.answer(GENERATE(true, false) ? x.first : x.second, replaced);
  CHECK(find(out, kind::stop));
  CHECK(find(out, kind::end));
  CHECK(x.it.ended());
  // What the other one has seen before is obeyed no more: there is something to claim in it.
  x.rows.partitions = {{0, {}, 9}, {1, {}, 9}};
  CHECK(x.answer(x.first, x.rows).empty());
  CHECK(x.answer(x.second, x.rows).empty());
}

TEST_CASE("a second beat asks for a lease that ends with that of the first", "[ownership]") {
  one_node x;
  x.beat();
  const auto first = x.it.tick(x.it.wake_us());
  const auto sent = x.it.wake_us() - 500 * ms;
  CHECK(first.at(0).spent_us == 0);
  CHECK(x.it.tick(sent + 500 * ms).at(0).spent_us == 500 * ms);
  SECTION("also when that has failed meanwhile") {
    x.it.beat_failed(first[0].number, sent + 700 * ms);
    CHECK(x.it.tick(sent + 1'000 * ms).at(0).spent_us == 1'000 * ms);
  }
  SECTION("as does a third") {
    CHECK(x.it.tick(sent + 1'000 * ms).at(0).spent_us == 1'000 * ms);
  }
  SECTION("unless that would be over soon") {
    CHECK(x.it.beat_failed(first[0].number, sent + 1'600 * ms).at(0).spent_us == 0);
  }
}

TEST_CASE("a store that is slow and answers costs no lease", "[ownership]") {
  const auto takes = GENERATE(100 * ms, 600 * ms, 1'100 * ms, 1'300 * ms, 1'450 * ms);
  one_node x;
  x.own();
  std::deque<std::pair<int64_t, uint64_t>> answers; // When, and of which beat.
  for (const auto end = x.now + 60 * s; x.now < end;) {
    const auto next = answers.empty() ? INT64_MAX : answers.front().first;
    x.now = std::max(x.now, std::min(next, x.it.wake_us()));
    ownership_actions out;
    if (next <= x.now) {
      out = x.it.beat_answered(answers.front().second, x.rows, x.now);
      answers.pop_front();
    } else {
      out = x.it.tick(x.now);
    }
    REQUIRE_FALSE(find(out, kind::stop));
    for (const auto& action : out)
      if (action.what == kind::beat)
        answers.emplace_back(x.now + takes, action.number);
  }
  CHECK(x.it.runs_with(0) == 1);
}

TEST_CASE("a node looks at the moment at which another is late", "[ownership]") {
  one_node x;
  x.peer().left_us = 2'600 * ms;
  x.rows.partitions[0] = {0, {"peer", 1}, 1};
  x.beat();
  CHECK(x.it.wake_us() == x.now + 490 * ms); // It will have beaten by then.
  x.rows.nodes[1].left_us = 120 * ms;
  x.beat();
  CHECK(x.it.wake_us() == x.now + 120 * ms + grace + 10 * ms);
  x.rows.nodes[1].seen = sight::late; // By the store alone.
  x.rows.nodes[1].left_us = -100 * ms;
  x.beat();
  CHECK(x.it.wake_us() == x.now - 100 * ms + grace + 10 * ms);
  x.rows.nodes[1].left_us = 1 - grace; // Not more often than any other reason may have it.
  x.beat();
  CHECK(x.it.wake_us() == x.now + 40 * ms);
  for (const auto left : {std::optional{-grace}, std::optional<int64_t>{}}) { // Over, or not told.
    x.rows.nodes[1].left_us = left;
    x.beat();
    CHECK(x.it.wake_us() == x.now + 490 * ms);
  }
}

TEST_CASE("who was gone when its lease ended is so in the grace", "[ownership]") {
  one_node x;
  x.peer().left_us = 100 * ms;
  x.rows.partitions[0] = {0, {"peer", 1}, 1};
  x.beat_for(10 * s);
  x.rows.nodes[1].seen = sight::gone;
  CHECK(x.beat().empty());
  x.rows.nodes[1].seen = sight::late;
  x.rows.nodes[1].left_us = -1;
  SECTION("it is taken over as who is gone is") {
    x.now += 300 * ms; // Between two sights of it.
    REQUIRE(find(x.beat(), kind::claim));
    CHECK(find(x.it.tick(x.now), kind::claim) == nullptr);
  }
  SECTION("unless it has beaten since") {
    x.sign_of_life();
    x.now += 300 * ms;
    CHECK(x.beat().empty());
  }
}

TEST_CASE("nothing is taken of a node that renews its lease a little too late", "[ownership]") {
  one_node x;
  x.peer();
  x.rows.partitions[0] = {0, {"peer", 1}, 1};
  x.beat_for(10 * s);
  x.rows.nodes[1].seen = sight::late;
  x.rows.nodes[1].left_us = 1 - grace;
  CHECK(x.beat().empty());
  SECTION("it does") {
    x.rows.nodes[1].seen = sight::live;
    x.rows.nodes[1].left_us = 3 * s;
    x.sign_of_life();
    CHECK(x.beat_for(10 * s).empty());
  }
  SECTION("it does not") {
    x.rows.nodes[1].left_us = -grace;
    CHECK(find(x.beat(), kind::claim));
  }
}

TEST_CASE("eyes stay fresh when a beat fails that a later one has overtaken", "[ownership]") {
  one_node x;
  x.peer();
  x.rows.partitions[0] = {0, {"peer", 1}, 1};
  x.beat_for(10 * s);
  x.send_beat();
  const auto stuck = x.beat_no;
  x.beat(); // The second one, by another connection.
  x.beat_for(2 * s);
  x.rows.nodes[1].seen = sight::late;
  x.it.beat_failed(stuck, x.now);
  CHECK(find(x.beat(), kind::claim));
}

TEST_CASE("while a beat hangs that a later one has overtaken, there are two for the others",
          "[ownership]") {
  two_beats x;
  x.answer(x.second, x.rows);
  CHECK(x.it.wake_us() == x.second.at + 500 * ms);
  CHECK(find(x.it.tick(x.second.at + 500 * ms), kind::beat));
  CHECK(x.it.wake_us() == x.second.at + 1'000 * ms);
  CHECK(find(x.it.tick(x.second.at + 1'000 * ms), kind::beat));
  CHECK(x.it.wake_us() == x.first.at + 3 * s); // The end of the lease: the store has three of them.
}

TEST_CASE("who leaves does so also where each beat takes longer than the next is away",
          "[ownership]") {
  two_beats x;
  x.rows.partitions[0] = {0, {}, 2};
  const auto out = x.it.drain(x.now);
  const auto* release = find(out, kind::release);
  REQUIRE(release);
  x.it.release_ended(0, release->number, ++x.now);
  x.answer(x.first, x.rows);
  CHECK(x.it.wake_us() == INT64_MAX); // No third one beside the second.
  x.answer(x.second, x.rows);
  x.send_beat(); // The first one that is sent since the release.
  CHECK(x.it.tick(x.now + 600 * ms).empty());
  x.now += 700 * ms;
  CHECK(find(x.one_node::answer(), kind::leave));
}

TEST_CASE("who leaves waits for each beat that is under way", "[ownership]") {
  one_node x{0};
  x.send_beat();
  const auto hangs = x.beat_no;
  x.beat(); // By another connection.
  x.it.drain(x.now);
  CHECK(x.beat().empty());
  CHECK(x.beat().empty());
  x.it.beat_failed(hangs, x.now);
  CHECK(find(x.beat(), kind::leave));
}
