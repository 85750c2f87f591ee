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
