#include "tests/contract/rigs.hpp"
#include "tests/contract/store_calls.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

caf::expected<bool> adopt(store& db, uint32_t partition, int64_t epoch, const std::string& id) {
  return ask<bool>([&](auto done) { db.adopt(partition, epoch, id, done); });
}

caf::expected<uint32_t> begin(store& db, std::vector<int64_t> starts, const std::string& id) {
  return ask<uint32_t>([&](auto done) { db.begin_generation(std::move(starts), id, done); });
}

apply_request marked(apply_request batch, log_mark mark) {
  batch.mark = mark;
  return batch;
}

} // namespace

TEST_CASE("store keeps which log was applied, and a record of it", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  auto own = claim(*db, 1);
  REQUIRE(own);
  CHECK(own->generation == 1);
  CHECK(own->log_id.empty());
  CHECK(own->mark.offset == -1);
  CHECK(adopt(*db, 1, own->epoch, "log=a").value());
  CHECK_FALSE(adopt(*db, 1, own->epoch + 1, "log=b").value());
  const auto huge = std::numeric_limits<int64_t>::min();
  REQUIRE(apply(*db, marked(batch(1, own->epoch, 0, 2, {row(0, "a", "/p", "u")}), {1, huge})));
  // A batch of nothing but holes has no record to mark.
  REQUIRE(apply(*db, batch(1, own->epoch, 2, 5, {}))->moved);
  CHECK_FALSE(apply(*db, marked(batch(1, own->epoch, 0, 9, {}), {8, 8}))->moved);
  if (rig->keeps_data()) {
    db.reset();
    db = rig->open();
  }
  own = claim(*db, 1);
  CHECK(own->next_offset == 5);
  CHECK(own->log_id == "log=a");
  CHECK(own->mark.offset == 1);
  CHECK(own->mark.hash == huge);
  CHECK(claim(*db, 0)->log_id.empty());
}

TEST_CASE("a new generation begins anew and forgets no event", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  auto own = claim(*db, 0);
  const auto other = claim(*db, 2);
  REQUIRE(adopt(*db, 0, own->epoch, "log=a"));
  std::vector<event_row> rows{row(0, "a", "/p", "u"), row(1, "b", "/p", "u"),
                              row(2, "c", "/p", "v")};
  REQUIRE(apply(*db, marked(batch(0, own->epoch, 0, 3, rows), {2, 7}))->moved);
  REQUIRE(fold(*db, 0, 0, 1)->moved); // The rest of the old generation waits for its fold.
  const auto number = begin(*db, {0, 10, 0, 0}, "log=b");
  REQUIRE(number);
  CHECK(*number == 2);

  SECTION("owners of the old one are fenced") {
    CHECK_FALSE(apply(*db, batch(0, own->epoch, 3, 4, {row(3, "x", "/p", "u")}))->moved);
    CHECK_FALSE(apply(*db, batch(2, other->epoch, 0, 1, {row(0, "y", "/p", "u")}))->moved);
    CHECK(claim(*db, 0)->epoch > own->epoch + 1);
  }
  SECTION("progress and reached positions are the new ones") {
    CHECK(counts(*db, {{"default", "/p", "u"}})->reached == std::vector<position>{{1, 9}});
    CHECK(count(*db, "/p", "u") == std::pair<uint64_t, uint64_t>{2, 3});
    const auto all = progress(*db);
    REQUIRE(all->size() == 4);
    CHECK(all->at(0).next_offset == 0);
    CHECK(all->at(1).next_offset == 10);
    CHECK(all->at(1).folded_offset == 10);
  }
  SECTION("the new log is applied from its beginning, known ids do not count again") {
    auto now = claim(*db, 0);
    CHECK(now->generation == 2);
    CHECK(now->next_offset == 0);
    CHECK(now->folded_offset == 0);
    CHECK(now->log_id == "log=b");
    CHECK(now->mark.offset == -1);
    auto again =
        apply(*db, batch(0, now->epoch, 0, 2, {row(0, "b", "/p", "u"), row(1, "d", "/p", "w")},
                         {{1, day_us, "bad", "raw"}}));
    REQUIRE(again);
    CHECK(fresh_of(*again) == std::vector<uint32_t>{1});
    CHECK(again->duplicates == 1);
    CHECK(bad_events(*db, 10).size() == 1);
    CHECK(count(*db, "/p", "u") == std::pair<uint64_t, uint64_t>{2, 4});
    REQUIRE(fold(*db, 0, 0, 2)->moved);
    CHECK(count(*db, "/p", "w") == std::pair<uint64_t, uint64_t>{1, 4});
    CHECK(load(*db, {{"default", "/p"}})->values.at(0).users == 3);
    require_clean(*db);
    if (rig->keeps_data()) {
      db.reset();
      db = rig->open();
      CHECK(claim(*db, 0)->generation == 2);
      CHECK(count(*db, "/p", "u") == std::pair<uint64_t, uint64_t>{2, 4});
      require_clean(*db);
    }
  }
}

TEST_CASE("what an old generation left is folded by the next owner", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  auto own = claim(*db, 0);
  std::vector<event_row> rows;
  for (int i = 0; i < 50; ++i)
    rows.push_back(row(i, "e" + std::to_string(i), "/p" + std::to_string(i % 7), "u"));
  REQUIRE(apply(*db, batch(0, own->epoch, 0, 50, rows))->moved);
  REQUIRE(begin(*db, {0, 0, 0, 0}, "log=b"));
  own = claim(*db, 0);
  REQUIRE(own);
  // Seen in a fold's answer: the page's total holds the old rows as well.
  REQUIRE(eventually([&] {
    const auto at = own->next_offset++;
    const auto id = "more" + std::to_string(at);
    REQUIRE(apply(*db, batch(0, own->epoch, at, at + 1, {row(at, id, "/p0", "u")}))->moved);
    const auto folded = fold(*db, 0, at, at + 1);
    REQUIRE(folded->pages.size() == 1);
    return folded->pages[0].clicks == 8 + static_cast<uint64_t>(at) + 1;
  }));
  require_clean(*db);
}

TEST_CASE("a store tells 32 generations apart and refuses the next", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  REQUIRE(claim(*db, 0));
  for (uint32_t i = 2; i <= generations_max; ++i)
    REQUIRE(begin(*db, {0}, "log=" + std::to_string(i)).value() == i);
  const auto last = claim(*db, 0);
  CHECK(code_of(begin(*db, {0}, "log=more").error()) == errc::overloaded);
  CHECK(claim(*db, 0)->generation == generations_max);
  CHECK(claim(*db, 0)->log_id == last->log_id);
}
