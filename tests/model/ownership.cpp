#include "tests/model/one_node.hpp"

using namespace footfall::test;

TEST_CASE("a partition that is nobody's is claimed as it was seen, and runs when the store agrees",
          "[ownership]") {
  one_node x;
  x.rows.partitions[0].epoch = 6;
  const auto asked = x.beat();
  REQUIRE(asked.size() == 1);
  CHECK(asked[0] == ownership_action{kind::claim, 0, asked[0].number, {}, 6, false});
  CHECK(x.it.runs_with(0) == 0);
  const auto run = x.it.claimed(0, asked[0].number, 7, x.now);
  REQUIRE(run.size() == 1);
  CHECK(run[0] == ownership_action{kind::run, 0, 0, {}, 7, false});
  CHECK(x.it.runs_with(0) == 7);
}

TEST_CASE("a claim that was refused or failed waits for the next beat", "[ownership]") {
  one_node x;
  const auto asked = x.beat();
  CHECK(find(x.it.not_claimed(0, asked[0].number, x.now), kind::claim) == nullptr);
  CHECK(find(x.beat(), kind::claim));
}

TEST_CASE("the answer of an older claim is nothing", "[ownership]") {
  one_node x;
  const auto old = x.beat()[0].number;
  x.it.not_claimed(0, old, x.now);
  CHECK(x.it.claimed(0, old, 1, x.now).empty());
  const auto next = x.beat()[0].number;
  CHECK(x.it.claimed(0, old, 1, x.now).empty());
  CHECK(x.it.not_claimed(0, old, x.now).empty());
  CHECK(find(x.it.claimed(0, next, 1, x.now), kind::run));
}

TEST_CASE("what the row says of this process and it does not know is claimed anew", "[ownership]") {
  one_node x;
  x.rows.partitions[0] = {0, {"me", 5}, 3};
  CHECK(*find(x.beat(), kind::claim) == ownership_action{kind::claim, 0, 2, {"me", 5}, 3, false});
}

TEST_CASE("a node that starts again claims what its earlier process had, at once", "[ownership]") {
  one_node x;
  x.rows.partitions[0] = {0, {"me", 4}, 3};
  CHECK(find(x.beat(), kind::claim)->owner == owner_id{"me", 4});
}

TEST_CASE("nothing is claimed from a node that lives", "[ownership]") {
  one_node x{2};
  x.peer();
  x.rows.partitions[0] = x.rows.partitions[1] = {0, {"peer", 1}, 1};
  x.rows.partitions[1].partition = 1;
  CHECK(x.beat_for(10 * s).empty());
}

TEST_CASE("a row of a process that its node has replaced is nobody's", "[ownership]") {
  one_node x;
  x.rows.partitions[0] = {0, {"other", 1}, 1};
  CHECK(find(x.beat(), kind::claim)->owner == owner_id{"other", 1});
}

TEST_CASE("late is believed by fresh eyes only", "[ownership]") {
  one_node x;
  x.peer().seen = sight::late;
  x.rows.partitions[0] = {0, {"peer", 1}, 1};
  x.beat();
  CHECK(x.beat_for(2'900 * ms).empty());
  const auto out = x.beat();
  REQUIRE(find(out, kind::claim));
  CHECK_FALSE(find(out, kind::claim)->early);
}

TEST_CASE("eyes are not fresh after a beat that failed, or a pause", "[ownership]") {
  one_node x;
  x.peer();
  x.rows.partitions[0] = {0, {"peer", 1}, 1};
  x.beat_for(10 * s);
  x.rows.nodes[1].seen = sight::late;
  SECTION("failed") {
    x.send_beat();
    x.it.beat_failed(x.beat_no, x.now);
  }
  SECTION("pause") {
    x.now += 2 * s;
  }
  CHECK(x.beat().empty());
  CHECK(x.beat_for(2'900 * ms).empty());
  CHECK(find(x.beat(), kind::claim));
}

TEST_CASE("gone takes two beats, some time apart", "[ownership]") {
  one_node x;
  x.peer().seen = sight::gone;
  x.rows.partitions[0] = {0, {"peer", 1}, 1};
  CHECK(x.beat().empty());
  SECTION("the second one agrees") {
    const auto out = x.beat();
    REQUIRE(find(out, kind::claim));
    CHECK(find(out, kind::claim)->early);
  }
  SECTION("a beat that something asked for comes too soon") {
    x.it.look(x.now);
    CHECK(x.beat().empty());
  }
  SECTION("the answer of the first one was slow, as of a store that hangs") {
    x.rows.nodes[1].beat = 7; // So that it is the first one.
    x.send_beat();
    x.now += 900 * ms;
    x.answer(); // And the next one is sent at once.
    ++x.beat_no;
    CHECK(x.answer().empty());
  }
  SECTION("the node is there again") {
    x.rows.nodes[1].seen = sight::live;
    CHECK(x.beat().empty());
    x.rows.nodes[1].seen = sight::gone;
    CHECK(x.beat().empty());
  }
  SECTION("it gave a sign of life in between") {
    x.sign_of_life();
    CHECK(x.beat().empty());
  }
  SECTION("it is another process") {
    x.rows.nodes[1].id.incarnation = x.rows.partitions[0].owner.incarnation = 2;
    CHECK(x.beat().empty());
  }
  SECTION("a beat failed in between") {
    x.send_beat();
    x.it.beat_failed(x.beat_no, x.now);
    CHECK(x.beat().empty());
    CHECK(find(x.beat(), kind::claim));
  }
}

TEST_CASE("gone takes one beat where CAF says so too", "[ownership]") {
  one_node x;
  x.peer();
  x.rows.partitions[0] = {0, {"peer", 1}, 1};
  x.beat();
  x.now += 100 * ms;
  const auto out = x.it.peer_down("peer", x.now); // It looks at once.
  REQUIRE(find(out, kind::beat));
  x.beat_no = out[0].number;
  SECTION("gone") {
    x.rows.nodes[1].seen = sight::gone;
    CHECK(find(x.answer(), kind::claim)->early);
  }
  SECTION("only the link is lost") {
    CHECK(x.answer().empty());
    CHECK(x.beat_for(3 * s).empty());
    x.rows.nodes[1].seen = sight::gone;
    CHECK(x.beat().empty()); // It was too long ago.
  }
}

TEST_CASE("DOWN of an unknown node is a reason to look, no more", "[ownership]") {
  one_node x;
  x.beat();
  x.now += 100 * ms;
  CHECK(x.it.peer_down("stranger", x.now).size() == 1);
}

TEST_CASE("what is another's target is released, again and again until the row says so",
          "[ownership]") {
  one_node x;
  x.own();
  x.rows.partitions.push_back({1, {"me", 5}, 1}); // Of which this process does not know.
  x.peer();
  const auto out = x.beat();
  const auto* first = find(out, kind::release);
  REQUIRE(first);
  CHECK(first->epoch == 1);
  CHECK(x.it.runs_with(first->partition) == 0);
  CHECK(x.beat().empty()); // One is under way.
  x.it.release_ended(first->partition, first->number, x.now);
  const auto again = x.beat();
  REQUIRE(find(again, kind::release));
  CHECK(find(again, kind::release)->partition == first->partition);
  x.it.release_ended(first->partition, find(again, kind::release)->number, x.now);
  x.rows.partitions[first->partition].owner = {};
  CHECK(find(x.beat(), kind::release) == nullptr);
}

TEST_CASE("nothing is released for an even spread while a node is in doubt", "[ownership]") {
  one_node x;
  x.own();
  x.rows.partitions.push_back({1, {"me", 5}, 1});
  x.peer().seen = sight::gone; // Once, so that it counts as live.
  const auto out = x.beat();
  CHECK(find(out, kind::release) == nullptr);
  SECTION("who drains does not wait for that") {
    x.it.drain(x.now);
    x.rows.nodes[1].beat = 1;
    CHECK(find(x.beat(), kind::release));
  }
  SECTION("it is there again") {
    x.rows.nodes[1].seen = sight::live;
    CHECK(find(x.beat(), kind::release));
  }
}

TEST_CASE("a row counts only when it is younger than what is known", "[ownership]") {
  one_node x;
  SECTION("a claim was answered after the beat was sent") {
    const auto asked = x.beat();
    x.send_beat();
    x.it.claimed(0, asked[0].number, 1, x.now + ms);
    CHECK(x.answer().empty()); // It shows nobody's partition still.
    CHECK(x.it.runs_with(0) == 1);
  }
  SECTION("it was fenced after the beat was sent") {
    x.own();
    x.send_beat();
    CHECK(find(x.it.fenced(0, 1, x.now + ms), kind::stop));
    CHECK(find(x.answer(), kind::claim) == nullptr);
  }
}

TEST_CASE("a later claim of another ends what runs, with the beat that shows it", "[ownership]") {
  one_node x;
  x.own();
  x.peer();
  x.rows.partitions[0] = {0, {"peer", 1}, 2};
  const auto out = x.beat();
  REQUIRE(out.size() == 1);
  CHECK(out[0] == ownership_action{kind::stop, 0, 0, {}, 1, false});
}

TEST_CASE("a store that went back ends what runs", "[ownership]") {
  one_node x;
  x.own(4);
  x.rows.partitions[0] = {0, {}, 2};
  CHECK(find(x.beat(), kind::stop));
  CHECK(find(x.beat(), kind::claim)->epoch == 2);
}

TEST_CASE("who is fenced stops, looks, and claims nothing by itself", "[ownership]") {
  one_node x;
  x.own();
  x.now += 100 * ms;
  CHECK(x.it.fenced(0, 9, x.now).empty()); // Of another epoch.
  const auto out = x.it.fenced(0, 1, x.now);
  REQUIRE(out.size() == 2);
  CHECK(out[0].what == kind::stop);
  CHECK(out[1].what == kind::beat);
  CHECK(x.it.fenced(0, 1, x.now).empty());
}

TEST_CASE("after an apply that failed the row is claimed as it was known", "[ownership]") {
  one_node x;
  x.own();
  const auto out = x.it.apply_failed(0, 1, x.now);
  REQUIRE(out.size() == 2);
  CHECK(out[0].what == kind::stop);
  CHECK(out[1] == ownership_action{kind::claim, 0, out[1].number, {"me", 5}, 1, false});
  CHECK(x.it.apply_failed(0, 1, x.now).empty());
}
