#include <catch2/catch.hpp>

#include <mutex>

#include "tests/contract/await.hpp"
#include "tests/contract/rigs.hpp"
#include "tests/contract/store_calls.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

/// What a store told of itself.
struct watcher {
  explicit watcher(store& db) {
    db.on_renewal([this](uint64_t incarnation, const std::string& seen) {
      std::lock_guard guard{lock};
      told.emplace_back(incarnation, seen);
    });
  }
  std::vector<std::pair<uint64_t, std::string>> all() {
    std::lock_guard guard{lock};
    return told;
  }
  std::mutex lock;
  std::vector<std::pair<uint64_t, std::string>> told;
};

} // namespace

TEST_CASE("store says in which incarnation it answers", "[contract][store][store_back]") {
  FOOTFALL_RIG(rig, store_rigs);
  const auto db = rig->open();
  const auto now = db->incarnation();
  CHECK(now > 0);
  const auto epoch = claim(*db, 0);
  CHECK(epoch->incarnation == now);
  const auto done = apply(*db, batch(0, epoch->epoch, 0, 1, {row(0, "e", "/a", "u")}));
  CHECK(done->incarnation == now);
  CHECK(apply(*db, batch(0, epoch->epoch, 7, 8, {}))->incarnation == now);
  CHECK(fold(*db, 0, 0, 1)->incarnation == now);
  CHECK(counts(*db, {{"default", "/a", "u"}})->incarnation == now);
  CHECK(load(*db, {{"default", "/a"}})->incarnation == now);
  CHECK(top_pages(*db, "default", unset_time, unset_time, 5)->incarnation == now);
  CHECK(minutes(*db, {"default", "/a"}, unset_time, unset_time)->incarnation == now);
  CHECK(top_users(*db, {"default", "/a"}, 5)->incarnation == now);
  CHECK(
      ask<snapshot<std::string>>([&](auto x) { db->user_names(default_site, {1}, x); })->incarnation
      == now);
  CHECK(
      ask<snapshot<std::string>>([&](auto x) { db->type_names(default_site, {1}, x); })->incarnation
      == now);
  CHECK(db->incarnation() == now);
}

TEST_CASE("store that went back says so, and gives nothing of before",
          "[contract][store][store_back]") {
  FOOTFALL_RIG(rig, store_rigs);
  const auto db = rig->open();
  watcher watch{*db};
  const auto before = db->incarnation();
  const auto first = claim(*db, 0), other = claim(*db, 1);
  REQUIRE(apply(*db, batch(0, first->epoch, 0, 1, {row(0, "e0", "/kept", "ada")}))->moved);
  REQUIRE(fold(*db, 0, 0, 1)->moved);
  if (!rig->keep())
    return; // Nothing can do that to it while it is open.
  const auto second = claim(*db, 0);
  REQUIRE(apply(*db, batch(1, other->epoch, 0, 1, {row(0, "e1", "/lost", "eve")}))->moved);
  const auto lost = apply(*db, batch(0, second->epoch, 1, 3,
                                     {row(1, "e2", "/lost", "eve"), row(2, "e3", "/kept", "eve")}));
  REQUIRE(lost->moved);
  REQUIRE(fold(*db, 0, 1, 3)->moved);
  const auto eve = lost->fresh.at(0);
  REQUIRE(user_names(*db, {eve.user_no}) == std::vector<std::string>{"eve"});

  rig->go_back();
  // By itself: nobody asks anything.
  REQUIRE(eventually([&] { return !watch.all().empty(); }));
  CHECK(watch.all().front().first > before);
  CHECK_FALSE(watch.all().front().second.empty());
  CHECK(db->incarnation() == watch.all().back().first);

  CHECK(user_names(*db, {eve.user_no})->at(0) != "eve");
  CHECK(count(*db, "/lost", "eve").first == 0);
  const auto again = claim(*db, 0);
  CHECK(again->incarnation == db->incarnation());
  CHECK(again->next_offset == 1);
  CHECK(again->folded_offset == 1);
  // The lost claim's epoch is nobody's, nor will it be.
  CHECK(again->epoch > second->epoch);
  CHECK_FALSE(apply(*db, batch(0, second->epoch, 1, 2, {row(1, "e4", "/x", "x")}))->moved);
  // Others get the numbers, as their own.
  const auto fresh = apply(*db, batch(0, again->epoch, 1, 3,
                                      {row(1, "e5", "/new", "max"), row(2, "e2", "/lost", "eve")}));
  REQUIRE(fresh->moved);
  REQUIRE(fresh->fresh.size() == 2);
  CHECK(fresh->incarnation == db->incarnation());
  CHECK(user_names(*db, {fresh->fresh[0].user_no, fresh->fresh[1].user_no})
        == std::vector<std::string>{"max", "eve"});
  CHECK(count(*db, "/new", "max") == std::pair<uint64_t, uint64_t>{1, 1});
  CHECK(count(*db, "/lost", "eve") == std::pair<uint64_t, uint64_t>{1, 1});
  REQUIRE(fold(*db, 0, 1, 3)->moved);
  require_clean(*db);
}

TEST_CASE("store goes on in its incarnation while another owner works",
          "[contract][store][store_back]") {
  FOOTFALL_RIG(rig, store_rigs);
  if (!rig->is_shared())
    return;
  const auto one = rig->open(), two = rig->open();
  watcher watch{*one};
  const auto mine = claim(*one, 0);
  REQUIRE(apply(*one, batch(0, mine->epoch, 0, 1, {row(0, "e0", "/a", "u")}))->moved);
  const auto theirs = claim(*two, 0);
  REQUIRE(apply(*two, batch(0, theirs->epoch, 1, 2, {row(1, "e1", "/a", "u")}))->moved);
  CHECK_FALSE(apply(*one, batch(0, mine->epoch, 1, 2, {row(1, "e1", "/a", "u")}))->moved);
  const auto back = claim(*one, 0);
  CHECK(back->epoch > theirs->epoch);
  CHECK(back->next_offset == 2);
  CHECK(back->incarnation == mine->incarnation);
  CHECK(watch.all().empty());
}
