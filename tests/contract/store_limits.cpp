#include <catch2/catch.hpp>

#include "tests/contract/rigs.hpp"
#include "tests/contract/store_calls.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

constexpr int64_t minute_us = 60'000'000;

} // namespace

TEST_CASE("store takes the first and the last time there is", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  const auto epoch = claim(*db, 0)->epoch;
  REQUIRE(apply(*db, batch(0, epoch, 0, 2,
                           {row(0, "e0", "/a", "u", limits::first_at_us),
                            row(1, "e1", "/a", "u", limits::last_at_us - 1)}))
              ->moved);
  if (GENERATE(false, true))
    REQUIRE(fold(*db, 0, 0, 2)->moved);
  auto series = minutes(*db, {"default", "/a"}, unset_time, unset_time);
  REQUIRE(series->values.size() == 2);
  CHECK(series->values[0].at_us == limits::first_at_us);
  CHECK(series->values[1].at_us == limits::last_at_us - minute_us);
  CHECK(load(*db, {{"default", "/a"}})->values[0].last_at_us == limits::last_at_us - 1);
  require_clean(*db);
}

TEST_CASE("store keeps the longest texts there are", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  const auto epoch = claim(*db, 0)->epoch;
  const std::string page(limits::page_url_bytes, 'p');
  const std::string user(limits::user_id_bytes, 'u');
  const std::string type(limits::event_type_bytes, 't');
  const std::string site(limits::site_id_bytes, 's');
  const std::string id(limits::event_id_bytes, 'i');
  REQUIRE(apply(*db, batch(0, epoch, 0, 2,
                           {row(0, id, page, user, day_us, type, site),
                            row(1, "'; DROP TABLE x; --", "/'\"%_", "\xc3\xa9")}))
              ->moved);
  if (GENERATE(false, true))
    REQUIRE(fold(*db, 0, 0, 2)->moved);
  CHECK(count(*db, page, user, site) == std::pair<uint64_t, uint64_t>{1, 1});
  CHECK(count(*db, "/'\"%_", "\xc3\xa9") == std::pair<uint64_t, uint64_t>{1, 1});
  CHECK(as_pairs(top_users(*db, {site, page}, 1)) == pairs{{user, 1}});
  CHECK(as_pairs(top_pages(*db, site, unset_time, unset_time, 1)) == pairs{{page, 1}});
  require_clean(*db);
}

TEST_CASE("store has everything after it was opened again", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  if (!rig->keeps_data())
    return;
  auto db = rig->open();
  const auto epoch = claim(*db, 0)->epoch;
  REQUIRE(apply(*db, batch(0, epoch, 0, 3, {row(0, "e0", "/a", "u"), row(1, "e1", "/a", "v")},
                           {{2, day_us, "bad", "raw"}}))
              ->moved);
  REQUIRE(fold(*db, 0, 0, 1)->moved);
  const auto identity = db->identity();
  const auto user = user_names(*db, {1, 2}).value();
  db.reset();
  db = rig->open();
  CHECK(db->identity() == identity);
  CHECK(user_names(*db, {1, 2}).value() == user);
  CHECK(count(*db, "/a", "v") == std::pair<uint64_t, uint64_t>{1, 2});
  CHECK(bad_events(*db, 10).size() == 1);
  CHECK(progress(*db)->at(0).folded_offset == 1);
  auto again = claim(*db, 0);
  CHECK(again->epoch > epoch);
  CHECK(again->next_offset == 3);
  CHECK(again->folded_offset == 1);
  auto x =
      apply(*db, batch(0, again->epoch, 3, 5, {row(3, "e0", "/a", "u"), row(4, "e2", "/a", "v")}));
  CHECK(fresh_of(*x) == std::vector<uint32_t>{1});
  REQUIRE(fold(*db, 0, 1, 5)->moved);
  CHECK(count(*db, "/a", "v") == std::pair<uint64_t, uint64_t>{2, 3});
  require_clean(*db);
}
