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

TEST_CASE("store names the types that a page had first, and counts the rest", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  const auto epoch = claim(*db, 0)->epoch;
  constexpr int64_t types = 2'500;
  constexpr int64_t first_half = 1'200;
  auto rows_of = [](int64_t from, int64_t until) {
    std::vector<event_row> rows;
    for (auto i = from; i < until; ++i)
      rows.push_back(row(i, "e" + std::to_string(i), "/a", "u", day_us + i % 7 * minute_us,
                         "t" + std::to_string(i % types)));
    return rows;
  };
  // Two batches: the numbers of the second are above those of the first.
  REQUIRE(apply(*db, batch(0, epoch, 0, first_half, rows_of(0, first_half)))->moved);
  REQUIRE(
      apply(*db, batch(0, epoch, first_half, 2 * types, rows_of(first_half, 2 * types)))->moved);
  std::vector<std::pair<int32_t, uint64_t>> before;
  for (auto [from, until] :
       {std::pair<int64_t, int64_t>{0, 0}, {0, 900}, {900, 3'000}, {3'000, 2 * types}}) {
    REQUIRE(fold(*db, 0, from, until)->moved);
    const auto page = load(*db, {{"default", "/a"}, {"default", "/none"}})->values.at(0);
    CHECK(page.clicks == 2 * types);
    REQUIRE(page.by_type.size() == limits::named_types);
    std::vector<int32_t> numbers;
    for (const auto& [number, clicks] : page.by_type) {
      CHECK(clicks == 2);
      numbers.push_back(number);
    }
    CHECK(std::is_sorted(numbers.begin(), numbers.end()));
    const auto names = *type_names(*db, numbers);
    for (const auto& name : names)
      CHECK(std::stoll(name.substr(1)) < first_half);
    if (!before.empty())
      CHECK(page.by_type == before);
    before = page.by_type;
  }
  require_clean(*db);
}

TEST_CASE("store loads no more minutes than there is room for", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  const auto epoch = claim(*db, 0)->epoch;
  constexpr int64_t count = 5'000;
  std::vector<event_row> rows;
  for (int64_t i = 0; i < count; ++i)
    rows.push_back(row(i, "e" + std::to_string(i), "/a", "u", day_us + i * 7 % count * minute_us));
  REQUIRE(apply(*db, batch(0, epoch, 0, count, std::move(rows)))->moved);
  for (int64_t folded : {0, 2'000, 5'000}) {
    REQUIRE(fold(*db, 0, progress(*db)->at(0).folded_offset, folded)->moved);
    const auto first = static_cast<int32_t>(day_us / minute_us) + 100;
    const auto page = load(*db, {{"default", "/a"}}, first)->values.at(0);
    CHECK(page.clicks == count);
    REQUIRE(page.minutes.size() == page_load::minutes_max);
    CHECK(page.minutes.front() == std::pair<int32_t, uint32_t>{first, 1});
    CHECK(page.minutes.back().first == first + static_cast<int32_t>(page_load::minutes_max) - 1);
  }
}

TEST_CASE("store orders more ties than it would name", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  const auto epoch = claim(*db, 0)->epoch;
  constexpr int64_t ties = 11'000;
  auto text = [](const char* prefix, int64_t i) {
    return prefix + std::to_string(100'000 + i * 7'919 % ties);
  };
  std::vector<event_row> rows;
  for (int64_t i = 0; i < ties; ++i) {
    rows.push_back(row(2 * i, "p" + std::to_string(i), text("/p", i), "u"));
    rows.push_back(row(2 * i + 1, "u" + std::to_string(i), "/all", text("u", i)));
  }
  rows.push_back(row(2 * ties, "more", "/p100005", "u"));
  rows.push_back(row(2 * ties + 1, "one more", "/all", "u100007"));
  constexpr int64_t end = 2 * ties + 2;
  for (int64_t at = 0; at < end; at += 5'000) {
    const auto until = at + 5'000 < end ? at + 5'000 : end;
    REQUIRE(
        apply(*db, batch(0, epoch, at, until, {rows.begin() + at, rows.begin() + until}))->moved);
  }
  // All in the tail, some of it, and nothing.
  for (int64_t folded : {int64_t{0}, int64_t{9'000}, int64_t{20'000}, end}) {
    REQUIRE(fold(*db, 0, progress(*db)->at(0).folded_offset, folded)->moved);
    CHECK(as_pairs(top_pages(*db, "default", unset_time, unset_time, 4))
          == pairs{{"/all", ties + 1},
                   {"/p100005", 2},
                   {"/p100000", 1},
                   {"/p100001", 1},
                   {"/p100002", 1}});
    CHECK(as_pairs(top_pages(*db, "default", day_us, unset_time, 2))
          == pairs{{"/all", ties + 1}, {"/p100005", 2}, {"/p100000", 1}});
    CHECK(as_pairs(top_users(*db, {"default", "/all"}, 2))
          == pairs{{"u100007", 2}, {"u100000", 1}, {"u100001", 1}});
  }
}
