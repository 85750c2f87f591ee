#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/contract/lease_calls.hpp"
#include "tests/contract/rigs.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

constexpr uint32_t partition = 1;

bool moves(store& db, int64_t epoch, int64_t from) {
  const auto id = "e" + std::to_string(from);
  return apply(db, batch(partition, epoch, from, from + 1, {row(from, id, "/a", "u")}))->moved;
}

} // namespace

TEST_CASE("store numbers processes upwards", "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  const auto first = join(*db).value();
  CHECK(first > 0);
  CHECK(join(*db).value() > first);
  if (!rig->is_shared())
    return; // Nobody else could meet a number again.
  db.reset();
  db = rig->open();
  CHECK(join(*db).value() > first + 1);
}

TEST_CASE("store answers a beat with the node and all partitions", "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  member a{*db, "a"};
  a.says.draining = true;
  a.says.log = log_reach::lost;
  auto x = a.beat();
  CHECK(x.renewed);
  REQUIRE(x.nodes.size() == 1);
  CHECK(x.nodes[0].id == a.me());
  CHECK(x.nodes[0].seen == sight::live);
  CHECK(x.nodes[0].aggregates);
  CHECK(x.nodes[0].draining);
  CHECK(x.nodes[0].log == log_reach::lost);
  CHECK(x.nodes[0].beat == 1);
  REQUIRE(x.partitions.size() == 2); // Also those that nobody ever claimed.
  CHECK(x.partitions[0].partition == 0);
  CHECK(x.partitions[1].partition == 1);
  CHECK(x.partitions[1].owner.nobody());
  CHECK(x.partitions[1].epoch == 0);

  const auto epoch = a.take(1);
  REQUIRE(claim(*db, 3)); // One that this node does not know of, without a lease.
  a.says.roles = "gateway";
  x = a.beat();
  CHECK_FALSE(x.nodes[0].aggregates);
  REQUIRE(x.partitions.size() == 3);
  CHECK(x.partitions[0].epoch == 0);
  CHECK(x.partitions[1].owner == a.me());
  CHECK(x.partitions[1].epoch == epoch);
  CHECK(x.partitions[2].partition == 3);
  CHECK(x.partitions[2].owner.nobody());
  CHECK(x.partitions[2].epoch > 0);
}

TEST_CASE("a beat that a later one has overtaken tells that the lease is renewed",
          "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  member a{*db, "a"};
  for (const uint64_t number : {4, 4, 1, 5}) {
    a.says.number = number;
    const auto x = a.beat();
    CHECK(x.renewed);
    REQUIRE(x.nodes.size() == 1);
    CHECK(x.nodes[0].id == a.me());
    CHECK(x.partitions.size() == a.says.partitions);
  }
}

TEST_CASE("a later process of a name ends the earlier one", "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  member before{*db, "a"};
  member after{*db, "a"};
  before.says.number = 100;
  const auto epoch = before.take(partition);
  const auto seen = after.sees(partition); // Its first beat is later than all of the other one.
  CHECK(seen.owner == before.me());
  CHECK_FALSE(before.beat().renewed);
  CHECK_FALSE(before.claim(seen).granted);
  CHECK_FALSE(before.claim(after.sees(0)).granted);
  CHECK(moves(*db, epoch, 0)); // The epoch decides, until the partition is claimed.
  const auto taken = after.claim(seen);
  REQUIRE(taken.granted);
  CHECK(taken.epoch > epoch);
  CHECK(taken.next_offset == 1);
  CHECK_FALSE(moves(*db, epoch, 1));
  CHECK(moves(*db, taken.epoch, 1));
  CHECK_FALSE(before.release(partition, taken.epoch).value());
  CHECK_FALSE(before.leave().value());
  CHECK(after.sees(partition).owner == after.me());
}

TEST_CASE("a claim holds for what was seen, and is refused otherwise", "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  member a{*db, "a"};
  const auto never = a.sees(partition);
  const auto first = a.claim(never);
  REQUIRE(first.granted);
  CHECK(first.epoch > 0);
  CHECK(first.next_offset == 0);
  const auto now = a.sees(partition);
  SECTION("done late, after another one") {
    CHECK_FALSE(a.claim(never).granted);
  }
  SECTION("the epoch is another") {
    auto other = now;
    ++other.epoch;
    CHECK_FALSE(a.claim(other).granted);
    other.epoch -= 2;
    CHECK_FALSE(a.claim(other).granted);
  }
  SECTION("the owner is another") {
    auto other = now;
    other.owner = {};
    CHECK_FALSE(a.claim(other).granted);
    other.owner = {"a", now.owner.incarnation + 1};
    CHECK_FALSE(a.claim(other).granted);
    other.owner = {"b", now.owner.incarnation};
    CHECK_FALSE(a.claim(other).granted);
  }
  CHECK(a.sees(partition).owner == a.me());
  CHECK(a.sees(partition).epoch == first.epoch);
  CHECK(moves(*db, first.epoch, 0));
  const auto again = a.claim(now);
  REQUIRE(again.granted);
  CHECK(again.epoch > first.epoch);
  CHECK(again.next_offset == 1);
}

TEST_CASE("a released partition is nobody's", "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  member a{*db, "a"};
  member other{*db, "b"};
  const auto old_epoch = a.take(partition);
  const auto epoch = a.claim(a.sees(partition)).epoch;
  REQUIRE(moves(*db, epoch, 0));
  CHECK_FALSE(a.release(partition, old_epoch).value());
  CHECK_FALSE(a.release(partition, epoch + 1).value());
  CHECK_FALSE(a.release(0, epoch).value());
  CHECK_FALSE(other.release(partition, epoch).value());
  other.says.me = {"a", a.me().incarnation + 5};
  CHECK_FALSE(other.release(partition, epoch).value());
  CHECK(a.sees(partition).owner == a.me());
  CHECK(a.sees(partition).epoch == epoch);
  CHECK(moves(*db, epoch, 1));

  CHECK(a.release(partition, epoch).value());
  const auto free = a.sees(partition);
  CHECK(free.owner.nobody());
  CHECK(free.epoch > epoch);
  CHECK_FALSE(moves(*db, epoch, 2)); // What the owner still had on its way.
  CHECK_FALSE(a.release(partition, epoch).value());
  const auto taken = a.claim(free);
  CHECK(taken.granted);
  CHECK(taken.next_offset == 2);
  CHECK(moves(*db, taken.epoch, 2));
}

TEST_CASE("who leaves is gone, with the right number only", "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  member a{*db, "a"};
  a.beat();
  member late{*db, "a"};
  CHECK_FALSE(late.leave().value());
  CHECK(a.beat().renewed);
  CHECK(a.leave().value());
  CHECK_FALSE(a.leave().value());
}

TEST_CASE("a new generation of the log has no owners", "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  member a{*db, "a"};
  const auto epoch = a.take(partition);
  const auto seen = a.sees(partition);
  REQUIRE(ask<uint32_t>([&](auto done) { db->begin_generation({0, 7}, "log=b", done); }));
  const auto now = a.sees(partition);
  CHECK(now.owner.nobody());
  CHECK(now.epoch > epoch);
  CHECK_FALSE(moves(*db, epoch, 0));
  CHECK_FALSE(a.claim(seen).granted);
  CHECK_FALSE(a.release(partition, epoch).value());
  const auto taken = a.claim(now);
  CHECK(taken.granted);
  CHECK(taken.generation == 2);
  CHECK(taken.next_offset == 7);
}

TEST_CASE("a claim without a lease takes everything", "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  auto db = rig->open();
  member a{*db, "a"};
  const auto epoch = a.take(partition);
  const auto seen = a.sees(partition);
  const auto taken = claim(*db, partition);
  REQUIRE(taken);
  CHECK(taken->granted);
  CHECK(taken->epoch > epoch);
  CHECK(a.sees(partition).owner.nobody());
  CHECK_FALSE(moves(*db, epoch, 0));
  CHECK_FALSE(a.claim(seen).granted);
  CHECK(a.claim(a.sees(partition)).granted);
}
