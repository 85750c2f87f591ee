#include <catch2/catch.hpp>

#include "tests/actors/asked.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

struct small_fold_fixture : node_fixture {
  static partition_config pattern() {
    partition_config out;
    out.fold_max = 10;
    return out;
  }
  small_fold_fixture() : node_fixture({}, {}, pattern()) {}
};

SCENARIO_METHOD(small_fold_fixture, "a fold that fails is tried again after a while",
                "[actor][partition]") {
  events.refuse_folds = true;
  for (int i = 0; i < 35; ++i) // Without a while between, this would never settle.
    post({click("e" + std::to_string(i))});
  advance(2s);
  CHECK(counts.folds == 0);
  CHECK(ask(count_of("u1")).clicks == 35);
  events.refuse_folds = false;
  advance(2s);
  CHECK(counts.events_folded == 35);
}

SCENARIO_METHOD(node_fixture, "what somebody else folded is shown as folded",
                "[actor][partition]") {
  const auto at = post({click("e1")}).results.at(0).pos;
  bool was_moved = false;
  events.fold(at.partition, 0, 1, [&](const auto& x) { was_moved = x && x->moved; });
  settle();
  REQUIRE(was_moved); // As by the owner of before, which had it under way.
  advance(2s);
  int64_t folded = -1;
  door->partitions([&](const partitions_reply& x) { folded = x.rows[at.partition].folded_offset; });
  settle();
  CHECK(folded == 1);
}

namespace {

/// Of each partition at most 40 records may be applied and not folded.
struct bounded_tail_fixture : node_fixture {
  static constexpr int64_t most = 40;
  static partition_config pattern() {
    partition_config out;
    out.fold_max = 10;
    out.batch_max = 7;
    out.unfolded_max = 4 * most;
    return out;
  }
  bounded_tail_fixture() : node_fixture({}, {}, pattern(), false, 30s) {}

  /// Seconds, each with the look that a node has.
  void pass(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      advance(1s);
      for (auto& line : door->look())
        lines.push_back(std::move(line));
    }
  }
  position post_many(const std::string& id, int count) {
    std::vector<click_event> out;
    for (int i = 0; i < count; ++i)
      out.push_back(click(id + std::to_string(i)));
    return post(std::move(out)).results.at(0).pos;
  }
  partition_state stored(uint32_t partition) {
    partition_state out;
    events.progress([&](auto x) { out = x->at(partition); });
    return out;
  }
  node_health health() {
    node_health out;
    door->health([&out](node_health x) { out = std::move(x); });
    return out;
  }
  std::string aggregate_role() {
    for (const auto& [name, state] : health().roles)
      if (name == "aggregate")
        return state;
    return {};
  }
  std::vector<std::string> lines;
};

} // namespace

SCENARIO_METHOD(bounded_tail_fixture, "applies wait for folds that fail for long",
                "[actor][partition]") {
  events.refuse_folds = true;
  const auto first = post_many("a", 100);
  pass(10);
  const auto at = stored(first.partition);
  CHECK(at.next_offset == most);
  CHECK(at.folded_offset == 0);
  CHECK(lag_of(*this, first) == 60);
  THEN("the node says so, and takes no more than the limit of the lag lets it") {
    CHECK_FALSE(health().ready);
    CHECK(aggregate_role().find("not folded") != std::string::npos);
    CHECK(aggregate_role().find("refused by the test") != std::string::npos);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].find("not folded") != std::string::npos);
    pass(50);
    CHECK(stored(first.partition).next_offset == most);
    CHECK(aggregate_role().find("not folded") != std::string::npos);
    CHECK(post({click("late")}).results.at(0).status == outcome::rejected);
  }
  THEN("a partition that claims again applies no more either") {
    kill("partition");
    pass(10);
    CHECK(stored(first.partition).next_offset == most);
    CHECK(aggregate_role().find("not folded") != std::string::npos);
  }
  THEN("others are applied") {
    const auto other = post({click("other", "u1", "/other")}).results.at(0).pos;
    REQUIRE(other.partition != first.partition);
    pass(1);
    CHECK(stored(other.partition).next_offset == 1);
  }
  WHEN("folds work again") {
    events.refuse_folds = false;
    pass(5);
    THEN("all is applied and folded") {
      CHECK(stored(first.partition).next_offset == 100);
      CHECK(stored(first.partition).folded_offset == 100);
      CHECK(counts.events_folded == 100);
      CHECK(health().ready);
      CHECK(ask(count_of("u1")).clicks == 100);
      post_many("b", 100);
      pass(5);
      CHECK(ask(count_of("u1")).clicks == 200);
    }
  }
}

SCENARIO_METHOD(bounded_tail_fixture, "to wait for a fold is a fault when it takes long",
                "[actor][partition]") {
  const auto first = post_many("a", 1);
  pass(1);
  events.hold_folds(true);
  post_many("b", 100);
  pass(3);
  CHECK(lag_of(*this, first) > 0);
  CHECK(health().ready);
  pass(5);
  CHECK_FALSE(health().ready);
  CHECK(aggregate_role().find("wait for the store to fold") != std::string::npos);
  events.hold_folds(false);
  pass(3);
  CHECK(health().ready);
  CHECK(ask(count_of("u1")).clicks == 101);
}

SCENARIO_METHOD(bounded_tail_fixture, "folds that are slower than applies for long are a fault",
                "[actor][partition]") {
  post_many("a", 1);
  pass(1);
  events.hold_folds(true);
  for (int i = 0; i < 6; ++i)
    post_many("f" + std::to_string(i) + '-', 90);
  auto fold_once_a_second = [&](int seconds) { // And as many are applied then: the tail is full.
    for (int i = 0; i < seconds; ++i) {
      events.hold_folds(false); // The one that waits.
      events.hold_folds(true);
      pass(1);
    }
  };
  fold_once_a_second(20);
  CHECK(health().ready);
  fold_once_a_second(15);
  CHECK_FALSE(health().ready);
  CHECK(aggregate_role().find("folds are slower for 3") != std::string::npos);
  events.hold_folds(false);
  pass(10);
  CHECK(health().ready);
}

SCENARIO_METHOD(bounded_tail_fixture,
                "offsets without a record are no records that wait for a fold",
                "[actor][partition]") {
  events.refuse_folds = true;
  const auto first = post_many("a", 10);
  log.skip(first.partition, 1'000'000);
  pass(1); // Else they seem to wait, and posts are refused.
  post_many("b", 10);
  pass(3);
  CHECK(stored(first.partition).next_offset == 1'000'020);
  CHECK(ask(count_of("u1")).clicks == 20);
}

SCENARIO_METHOD(small_fold_fixture, "offsets without a record hold nothing up",
                "[actor][partition]") {
  const auto first = post({click("a")}).results.at(0).pos;
  log.skip(first.partition, 1'000'000'000); // Most of a topic that is compacted.
  const auto second = post({click("b")}).results.at(0).pos;
  REQUIRE(second.offset == first.offset + 1'000'000'001);
  std::vector<click_event> many;
  for (int i = 0; i < 35; ++i)
    many.push_back(click("many" + std::to_string(i)));
  post(many);
  log.skip(first.partition, 1); // A marker at the end.
  advance(2s);
  CHECK(clicks_of_page(*this) == 37);
  CHECK(counts.partitions_stopped == 0);
  CHECK(lag_of(*this, first) == 0);
  const auto end = second.offset + 37;
  std::vector<partition_state> state;
  events.progress([&](auto x) { state = std::move(*x); });
  CHECK(state.at(first.partition).next_offset == end);
  CHECK(state.at(first.partition).folded_offset == end);
  CHECK(counts.events_folded == 37);
  CHECK(counts.folds < 20);
  GIVEN("a partition that starts in the middle of a hole") {
    kill("partition");
    log.skip(first.partition, 5);
    advance(2s);
    post({click("c")});
    advance(2s);
    CHECK(clicks_of_page(*this) == 38);
    CHECK(lag_of(*this, first) == 0);
  }
}
