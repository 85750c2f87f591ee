#include <catch2/catch.hpp>

#include "tests/contract/rigs.hpp"
#include "tests/contract/store_calls.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

constexpr int64_t minute_us = 60'000'000;

} // namespace

TEST_CASE("store knows nothing at first", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  CHECK(db->health().empty());
  CHECK_FALSE(db->identity().empty());
  CHECK(progress(*db)->empty());
  CHECK(bad_events(*db, 10).empty());
  auto pair = counts(*db, {{"default", "/a", "u"}});
  REQUIRE(pair->values.size() == 1);
  CHECK(pair->reached.empty());
  CHECK(pair->values[0].page_no == 0);
  CHECK(pair->values[0].user_no == 0);
  CHECK(pair->values[0].version == 0);
  auto page = load(*db, {{"default", "/a"}});
  REQUIRE(page->values.size() == 1);
  CHECK(page->values[0].page_no == 0);
  CHECK(page->values[0].clicks == 0);
  CHECK(top_pages(*db, "default", unset_time, unset_time, 5)->values.empty());
  CHECK(minutes(*db, {"default", "/a"}, unset_time, unset_time)->values.empty());
  CHECK(minutes(*db, {"default", ""}, unset_time, unset_time)->values.empty());
  CHECK(top_users(*db, {"default", "/a"}, 5)->values.empty());
  CHECK(user_names(*db, {1, 0, -1}).value() == std::vector<std::string>{"", "", ""});
  CHECK(counts(*db, {})->values.empty());
  require_clean(*db);
}

TEST_CASE("store raises the epoch at each claim", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  auto first = claim(*db, 2);
  REQUIRE(first);
  CHECK(first->next_offset == 0);
  CHECK(first->folded_offset == 0);
  auto second = claim(*db, 2);
  CHECK(second->epoch > first->epoch);
  auto other = claim(*db, 0);
  CHECK(other->epoch > 0);
  auto all = progress(*db);
  REQUIRE(all->size() == 2);
  CHECK(all->at(0).partition == 0);
  CHECK(all->at(1).partition == 2);
  CHECK(all->at(1).epoch == second->epoch);
}

TEST_CASE("store applies a batch and answers what was new", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  const auto epoch = claim(*db, 1)->epoch;
  auto x = apply(*db, batch(1, epoch, 0, 3,
                            {row(0, "e1", "/a", "u1"), row(1, "e2", "/a", "u2"),
                             row(2, "e3", "/b", "u1", day_us, "view")}));
  REQUIRE(x);
  CHECK(x->moved);
  CHECK(x->duplicates == 0);
  CHECK(fresh_of(*x) == std::vector<uint32_t>{0, 1, 2});
  CHECK(x->fresh[0].page_no == x->fresh[1].page_no);
  CHECK(x->fresh[0].page_no != x->fresh[2].page_no);
  CHECK(x->fresh[0].user_no == x->fresh[2].user_no);
  CHECK(x->fresh[0].type_no == x->fresh[1].type_no);
  CHECK(x->fresh[0].type_no != x->fresh[2].type_no);
  CHECK(user_names(*db, {x->fresh[1].user_no, x->fresh[0].user_no}).value()
        == std::vector<std::string>{"u2", "u1"});
  CHECK(type_names(*db, {x->fresh[2].type_no, 0}).value() == std::vector<std::string>{"view", ""});
  auto pair = counts(*db, {{"default", "/a", "u2"}, {"default", "/a", "nobody"}});
  REQUIRE(pair->values.size() == 2);
  CHECK(pair->reached == std::vector<position>{{1, 2}});
  CHECK(pair->values[0].page_no == x->fresh[1].page_no);
  CHECK(pair->values[0].user_no == x->fresh[1].user_no);
  CHECK(pair->values[0].clicks == 1);
  CHECK(pair->values[0].version == 2);
  CHECK(pair->values[1].user_no == 0);
  CHECK(pair->values[1].clicks == 0);
  CHECK(pair->values[1].version == 2);
  require_clean(*db);
}

TEST_CASE("store changes nothing for whom the partition is not", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  const auto old_epoch = claim(*db, 0)->epoch;
  REQUIRE(apply(*db, batch(0, old_epoch, 0, 2, {row(0, "e1", "/a", "u"), row(1, "e2", "/a", "u")}))
              ->moved);
  const auto epoch = claim(*db, 0)->epoch;
  const std::vector<bad_row> bad{{3, day_us, "not a click", "raw"}};
  auto zero_effect = [&](apply_request request) {
    auto x = apply(*db, std::move(request));
    REQUIRE(x);
    CHECK_FALSE(x->moved);
    CHECK(x->fresh.empty());
    CHECK(x->duplicates == 0);
    CHECK(count(*db, "/a", "u") == std::pair<uint64_t, uint64_t>{2, 2});
    CHECK(count(*db, "/new", "new").second == 0);
    CHECK(bad_events(*db, 10).empty());
    CHECK(progress(*db)->at(0).next_offset == 2);
    CHECK(progress(*db)->at(0).epoch == epoch);
    CHECK(progress(*db)->size() == 1);
  };
  const auto fresh = row(2, "e3", "/new", "new");
  SECTION("an older epoch") {
    zero_effect(batch(0, old_epoch, 2, 4, {fresh}, bad));
  }
  SECTION("an epoch that never was") {
    zero_effect(batch(0, epoch + 1, 2, 4, {fresh}, bad));
  }
  SECTION("offsets that were applied") {
    zero_effect(batch(0, epoch, 0, 4, {fresh}, bad));
  }
  SECTION("a gap") {
    zero_effect(batch(0, epoch, 3, 4, {row(3, "e3", "/new", "new")}, bad));
  }
  SECTION("an unknown partition") {
    zero_effect(batch(3, epoch, 2, 4, {fresh}, bad));
  }
  SECTION("a batch of nothing") {
    zero_effect(batch(0, old_epoch, 2, 2, {}));
  }
  // The rightful owner goes on.
  auto x = apply(*db, batch(0, epoch, 2, 4, {fresh}, bad));
  REQUIRE(x->moved);
  CHECK(fresh_of(*x) == std::vector<uint32_t>{0});
  CHECK(bad_events(*db, 10).size() == 1);
  require_clean(*db);
}

TEST_CASE("store refuses a batch that ends before it begins", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  const auto epoch = claim(*db, 0)->epoch;
  REQUIRE(apply(*db, batch(0, epoch, 0, 5, {}))->moved);
  CHECK(code_of(apply(*db, batch(0, epoch, 5, 3, {})).error()) == errc::invalid_argument);
  CHECK(progress(*db)->at(0).next_offset == 5);
}

TEST_CASE("store moves on over batches with nothing new", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  const auto epoch = claim(*db, 0)->epoch;
  REQUIRE(apply(*db, batch(0, epoch, 0, 1, {row(0, "e1", "/a", "u")}))->moved);
  auto x = apply(*db, batch(0, epoch, 1, 2, {row(1, "e1", "/a", "u")}));
  REQUIRE(x->moved);
  CHECK(x->fresh.empty());
  CHECK(x->duplicates == 1);
  CHECK(x->id_conflicts == 0);
  x = apply(*db, batch(0, epoch, 2, 9, {}));
  REQUIRE(x->moved);
  CHECK(x->fresh.empty());
  x = apply(*db, batch(0, epoch, 9, 9, {}));
  CHECK(x->moved);
  CHECK(progress(*db)->at(0).next_offset == 9);
  CHECK(count(*db, "/a", "u") == std::pair<uint64_t, uint64_t>{1, 1});
  require_clean(*db);
}

TEST_CASE("store counts an id once, and the first position wins", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  const auto epoch = claim(*db, 0)->epoch;
  const auto other_epoch = claim(*db, 1)->epoch;
  const std::string uuid = "0190b3d4-0000-7000-8000-00000000000a";
  auto x = apply(*db, batch(0, epoch, 0, 5,
                            {row(0, uuid, "/first", "u"), row(1, "b", "/a", "u"),
                             row(2, uuid, "/second", "u"), row(3, uuid, "/first", "u"),
                             row(4, uuid, "/first", "u", day_us, "click", "shop")}));
  CHECK(fresh_of(*x) == std::vector<uint32_t>{0, 1, 4});
  CHECK(x->duplicates == 2);
  CHECK(x->id_conflicts <= 1);
  CHECK(count(*db, "/first", "u") == std::pair<uint64_t, uint64_t>{1, 1});
  CHECK(count(*db, "/second", "u").second == 0);
  CHECK(count(*db, "/first", "u", "shop") == std::pair<uint64_t, uint64_t>{1, 1});
  // In a later batch, in another partition, before and after a fold.
  REQUIRE(fold(*db, 0, 0, 5)->moved);
  x = apply(*db,
            batch(1, other_epoch, 0, 3,
                  {row(0, uuid, "/third", "v"), row(1, "c", "/a", "u"), row(2, "b", "/a", "u")}));
  CHECK(fresh_of(*x) == std::vector<uint32_t>{1});
  CHECK(x->duplicates == 2);
  CHECK(count(*db, "/a", "u") == std::pair<uint64_t, uint64_t>{2, 2});
  CHECK(count(*db, "/third", "v").second == 0);
  REQUIRE(fold(*db, 1, 0, 3)->moved);
  CHECK(count(*db, "/a", "u") == std::pair<uint64_t, uint64_t>{2, 2});
  require_clean(*db);
}

TEST_CASE("store keeps bad events with their bytes", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  const auto epoch = claim(*db, 0)->epoch;
  std::string raw;
  for (int i = 0; i < 256; ++i)
    raw += static_cast<char>(i);
  REQUIRE(apply(*db, batch(0, epoch, 0, 4, {row(1, "e", "/a", "u")},
                           {{0, day_us, "first", raw},
                            {2, day_us + 1, "second", ""},
                            {3, day_us + 1, "third", "x"}}))
              ->moved);
  auto all = bad_events(*db, 10);
  REQUIRE(all.size() == 3);
  CHECK(all[0].reason == "first");
  CHECK(all[1].reason == "second");
  CHECK(all[2].reason == "third");
  CHECK(all[0].raw == raw);
  CHECK(all[0].pos == position{0, 0});
  CHECK(all[0].time_us == day_us);
  CHECK(all[0].redriven.offset == -1);
  CHECK(count(*db, "/a", "u").first == 1);
  require_clean(*db);
}

TEST_CASE("store folds once, within what is applied", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  const auto epoch = claim(*db, 0)->epoch;
  auto x = apply(*db, batch(0, epoch, 0, 4,
                            {row(0, "e0", "/a", "u"), row(1, "e1", "/a", "v"),
                             row(2, "e2", "/b", "u"), row(3, "e3", "/a", "u")}));
  const auto page_a = x->fresh[0].page_no;
  auto nothing = [&](uint32_t partition, int64_t from, int64_t until) {
    auto folded = fold(*db, partition, from, until);
    REQUIRE(folded);
    CHECK_FALSE(folded->moved);
    CHECK(folded->events == 0);
  };
  nothing(0, 0, 5);
  nothing(0, 1, 4);
  nothing(3, 0, 0);
  auto first = fold(*db, 0, 0, 2);
  REQUIRE(first->moved);
  CHECK(first->events == 2);
  REQUIRE(first->pages.size() == 1);
  CHECK(first->pages[0].page_no == page_a);
  CHECK(first->pages[0].clicks == 2);
  nothing(0, 0, 2);
  nothing(0, 2, 1);
  require_clean(*db);
  CHECK(count(*db, "/a", "u") == std::pair<uint64_t, uint64_t>{2, 3});
  auto second = fold(*db, 0, 2, 4);
  REQUIRE(second->moved);
  CHECK(second->events == 2);
  CHECK(second->pages.size() == 2);
  for (const auto& page : second->pages)
    CHECK(page.clicks == (page.page_no == page_a ? 3 : 1));
  auto empty = fold(*db, 0, 4, 4);
  CHECK(empty->moved);
  CHECK(empty->events == 0);
  CHECK(progress(*db)->at(0).folded_offset == 4);
  CHECK(count(*db, "/a", "u") == std::pair<uint64_t, uint64_t>{2, 3});
  require_clean(*db);
}

TEST_CASE("store answers the same before, between and after folds", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  const auto epoch = claim(*db, 0)->epoch;
  const auto epoch2 = claim(*db, 2)->epoch;
  REQUIRE(apply(*db, batch(0, epoch, 0, 5,
                           {row(0, "e0", "/a", "u", day_us), row(1, "e1", "/a", "v", day_us + 1),
                            row(2, "e2", "/b", "u", day_us + minute_us),
                            row(3, "e3", "/a", "u", day_us + 2 * minute_us, "view"),
                            row(4, "e4", "/a", "u", day_us, "click", "shop")}))
              ->moved);
  REQUIRE(apply(*db, batch(2, epoch2, 0, 2,
                           {row(0, "f0", "/c", "w", day_us - 1), row(1, "f1", "/c", "u", day_us)}))
              ->moved);
  const int until = GENERATE(0, 1, 3, 5);
  REQUIRE(fold(*db, 0, 0, until)->moved);
  if (until == 5)
    REQUIRE(fold(*db, 2, 0, 2)->moved);
  CHECK(counts(*db, {{"default", "/a", "u"}})->reached == std::vector<position>{{0, 4}, {2, 1}});
  CHECK(count(*db, "/a", "u") == std::pair<uint64_t, uint64_t>{2, 3});
  CHECK(count(*db, "/a", "u", "shop") == std::pair<uint64_t, uint64_t>{1, 1});
  auto page = load(*db, {{"default", "/a"}, {"default", "/c"}}, day_us / minute_us + 1);
  const auto& a = page->values.at(0);
  CHECK(a.clicks == 3);
  CHECK(a.users == 2);
  CHECK(a.last_at_us == day_us + 2 * minute_us);
  REQUIRE(a.by_type.size() == 2);
  CHECK(type_names(*db, {a.by_type[0].first, a.by_type[1].first}).value()
        == std::vector<std::string>{"click", "view"});
  CHECK(a.by_type[0].second == 2);
  CHECK(a.minutes
        == std::vector<std::pair<int32_t, uint32_t>>{
            {static_cast<int32_t>(day_us / minute_us + 2), 1}});
  CHECK(a.users_complete);
  REQUIRE(a.user_clicks.size() == 2);
  CHECK(page->values.at(1).clicks == 2);
  auto few = load(*db, {{"default", "/a"}}, 0, 1);
  CHECK_FALSE(few->values.at(0).users_complete);
  CHECK(few->values.at(0).user_clicks.empty());
  CHECK(few->values.at(0).users == 2);
  auto top = top_pages(*db, "default", unset_time, unset_time, 5);
  CHECK(as_pairs(top) == pairs{{"/a", 3}, {"/c", 2}, {"/b", 1}});
  CHECK(top->values[0].users == 2);
  CHECK(as_pairs(top_pages(*db, "default", unset_time, unset_time, 1))
        == pairs{{"/a", 3}, {"/c", 2}});
  CHECK(as_pairs(top_pages(*db, "default", day_us, day_us + minute_us, 5))
        == pairs{{"/a", 2}, {"/c", 1}});
  CHECK(as_pairs(top_pages(*db, "default", day_us + minute_us, unset_time, 5))
        == pairs{{"/a", 1}, {"/b", 1}});
  CHECK(as_pairs(top_users(*db, {"default", "/a"}, 5)) == pairs{{"u", 2}, {"v", 1}});
  CHECK(as_pairs(top_users(*db, {"default", "/c"}, 5)) == pairs{{"u", 1}, {"w", 1}});
  auto series = minutes(*db, {"default", ""}, unset_time, unset_time);
  REQUIRE(series->values.size() == 4);
  CHECK(series->values[0].at_us == day_us - minute_us);
  CHECK(series->values[1].clicks == 3);
  CHECK(minutes(*db, {"default", "/a"}, day_us, day_us + 2 * minute_us)->values.size() == 1);
  CHECK(minutes(*db, {"default", "/a"}, day_us + 1, unset_time)->values.size() == 1);
  CHECK(minutes(*db, {"shop", ""}, unset_time, unset_time)->values.size() == 1);
  require_clean(*db);
}

TEST_CASE("store recounts one page from its raw rows", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  const auto epoch = claim(*db, 0)->epoch;
  REQUIRE(apply(*db, batch(0, epoch, 0, 5,
                           {row(0, "e0", "/a", "u", day_us), row(1, "e1", "/a", "v", day_us + 1),
                            row(2, "e2", "/b", "u", day_us + minute_us),
                            row(3, "e3", "/a", "u", day_us + 2 * minute_us, "view"),
                            row(4, "e4", "/a", "u", day_us, "click", "shop")}))
              ->moved);
  const auto [until, rows] =
      GENERATE(table<int, uint64_t>({{0, 0}, {1, 1}, {2, 2}, {3, 2}, {5, 3}}));
  REQUIRE(fold(*db, 0, 0, until)->moved);
  const auto found = audit_page(*db, {"default", "/a"});
  REQUIRE(found);
  CHECK(found->rows == rows);
  CHECK(found->differences.empty());
  CHECK(audit_page(*db, {"shop", "/a"})->rows == (until == 5 ? 1 : 0));
  for (const auto* page : {"/none", "/A", ""})
    CHECK(audit_page(*db, {"default", page})->rows == 0);
  CHECK(audit_page(*db, {"none", "/a"})->rows == 0);
}
