#include <catch2/catch.hpp>

#include <limits>

#include "tests/contract/rigs.hpp"
#include "tests/contract/store_calls.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

std::vector<std::string> names(const caf::expected<bad_event_page>& page) {
  REQUIRE(page);
  std::vector<std::string> out;
  for (const auto& x : page->rows)
    out.push_back(to_string(x.pos));
  return out;
}

using strings = std::vector<std::string>;

/// Bad events 0:0, 0:2, 0:3, 1:0 and 3:1.
void fill(store& db) {
  for (uint32_t partition : {3u, 0u, 1u}) {
    const auto epoch = claim(db, partition)->epoch;
    std::vector<bad_row> bad;
    for (int64_t offset : partition == 0   ? std::vector<int64_t>{0, 2, 3}
                          : partition == 1 ? std::vector<int64_t>{0}
                                           : std::vector<int64_t>{1})
      bad.push_back({offset, day_us - partition, "no event", "raw" + std::to_string(offset)});
    REQUIRE(apply(db, batch(partition, epoch, 0, 4, {}, std::move(bad)))->moved);
  }
}

} // namespace

TEST_CASE("store lists bad events by position, page by page", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  fill(*db);
  CHECK(names(bad_page(*db, {})) == strings{"0:0", "0:2", "0:3", "1:0", "3:1"});
  CHECK_FALSE(bad_page(*db, {})->more);
  auto first = bad_page(*db, {{}, 2, false});
  CHECK(names(first) == strings{"0:0", "0:2"});
  CHECK(first->more);
  auto second = bad_page(*db, {first->rows.back().pos, 3, false});
  CHECK(names(second) == strings{"0:3", "1:0", "3:1"});
  CHECK_FALSE(second->more);
  CHECK(names(bad_page(*db, {{0, 1}, 1, false})) == strings{"0:2"});
  CHECK(names(bad_page(*db, {{1, -1}, 1, false})) == strings{"1:0"});
  CHECK(names(bad_page(*db, {{2, 7}, 9, false})) == strings{"3:1"});
  constexpr auto far = std::numeric_limits<int64_t>::max();
  CHECK(names(bad_page(*db, {{1, far}, 9, false})) == strings{"3:1"});
  CHECK(names(bad_page(*db, {{3, 1}, 9, false})).empty());
  CHECK(names(bad_page(*db, {{std::numeric_limits<uint32_t>::max(), far}, 9, false})).empty());
  CHECK_FALSE(bad_page(*db, {{3, 1}, 9, false})->more);
}

TEST_CASE("store marks bad events that were re-driven and keeps them", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  fill(*db);
  CHECK(mark(*db, {}).value() == 0);
  constexpr auto far = std::numeric_limits<int64_t>::max();
  auto marked = mark(*db, {{{0, 2}, {1, 40}},
                           {{3, 1}, {0, 41}},
                           {{0, 1}, {0, 42}},
                           {{9, 0}, {0, 43}},
                           {{std::numeric_limits<uint32_t>::max(), far}, {0, 44}}});
  CHECK(marked.value() == 2);
  CHECK(names(bad_page(*db, {{}, 9, true})) == strings{"0:0", "0:3", "1:0"});
  auto open = bad_page(*db, {{}, 2, true});
  CHECK(names(open) == strings{"0:0", "0:3"});
  CHECK(open->more);
  CHECK_FALSE(bad_page(*db, {{}, 3, true})->more);
  REQUIRE(mark(*db, {{{0, 2}, {2, 50}}}).value() == 1);
  if (rig->keeps_data()) {
    db.reset();
    db = rig->open();
  }
  auto all = bad_events(*db, 9);
  REQUIRE(all.size() == 5);
  CHECK(all[1].redriven == position{2, 50});
  CHECK(all[1].raw == "raw2");
  CHECK(all[1].reason == "no event");
  CHECK(all[1].time_us == day_us);
  CHECK(all[4].redriven == position{0, 41});
  CHECK(all[0].redriven.offset == -1);
  require_clean(*db);
}

TEST_CASE("a page of bad events ends early when they are big", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  const auto epoch = claim(*db, 0)->epoch;
  std::vector<bad_row> bad;
  for (int64_t offset = 0; offset < 5; ++offset)
    bad.push_back({offset, day_us, "big", std::string(bad_event_page_bytes * 2 / 3, 'x')});
  bad.push_back({5, day_us, "bigger", std::string(bad_event_page_bytes * 2, 'y')});
  REQUIRE(apply(*db, batch(0, epoch, 0, 6, {}, std::move(bad)))->moved);
  auto page = bad_page(*db, {});
  CHECK(names(page) == strings{"0:0", "0:1"});
  CHECK(page->more);
  page = bad_page(*db, {{0, 3}, 9, false});
  CHECK(names(page) == strings{"0:4", "0:5"});
  CHECK_FALSE(page->more);
  page = bad_page(*db, {{0, 4}, 9, false});
  REQUIRE(names(page) == strings{"0:5"});
  CHECK(page->rows[0].raw.size() == bad_event_page_bytes * 2);
}
