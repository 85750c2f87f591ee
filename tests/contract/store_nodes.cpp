#include <catch2/catch.hpp>

#include <array>
#include <memory>
#include <optional>

#include "tests/contract/lease_calls.hpp"
#include "tests/contract/rigs.hpp"

using namespace footfall;
using namespace footfall::test;

// Leases of nodes that share a store, each with a client of its own.

namespace {

constexpr uint32_t partition = 1;

/// Two nodes on one store, which may lose the first.
struct pair_of_nodes {
  explicit pair_of_nodes(store_rig& rig)
      : one(rig.open()), two(rig.open()), a(std::in_place, *one, "a"), b(*two, "b") {
    a->beat();
    b.beat();
  }

  std::unique_ptr<store> one, two;
  std::optional<member> a;
  member b;
};

} // namespace

TEST_CASE("nodes see each other as they say they are", "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  if (!rig->is_shared())
    return;
  pair_of_nodes of{*rig};
  CHECK(of.b.me().incarnation > of.a->me().incarnation);
  of.a->says.draining = true;
  of.a->says.log = log_reach::fails;
  of.a->says.roles = "gateway,query";
  of.a->beat();
  auto seen = of.b.beat().nodes;
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].id == of.a->me());
  CHECK(seen[0].seen == sight::live);
  CHECK(seen[0].draining);
  CHECK_FALSE(seen[0].aggregates);
  CHECK(seen[0].log == log_reach::fails);
  CHECK(seen[0].beat == of.a->says.number);
  CHECK(seen[1].id == of.b.me());
  CHECK(of.a->leave().value());
  seen = of.b.beat().nodes;
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].id == of.b.me());
}

TEST_CASE("a partition is taken from a node only when its lease is over",
          "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  if (!rig->is_shared())
    return;
  pair_of_nodes of{*rig};
  const auto epoch = of.a->take(partition);
  const auto seen = of.b.sees(partition);
  REQUIRE(seen.owner == of.a->me());
  CHECK_FALSE(of.b.claim(seen).granted);
  CHECK_FALSE(of.b.claim(seen, true).granted); // Its connection is there.
  CHECK(of.b.sees(partition).epoch == epoch);
  CHECK(of.b.sees("a") == sight::live);

  of.a->says.lease_us = 1'000;
  REQUIRE(of.a->beat().renewed);
  of.b.says.lease_us = 1'000;
  CHECK(eventually([&] { return of.b.sees("a") == sight::late; }));
  const auto taken = of.b.claim(seen);
  REQUIRE(taken.granted);
  CHECK(taken.epoch > epoch);
  CHECK_FALSE(apply(*of.one, batch(partition, epoch, 0, 1, {row(0, "e", "/a", "u")}))->moved);
  CHECK_FALSE(of.a->release(partition, epoch).value());
  const auto now = of.a->sees(partition);
  CHECK(now.owner == of.b.me());
  CHECK(now.epoch == taken.epoch);
  CHECK(apply(*of.two, batch(partition, taken.epoch, 0, 1, {row(0, "e", "/a", "u")}))->moved);
}

TEST_CASE("a lease that is renewed while a claim is on its way is not broken",
          "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  if (!rig->is_shared())
    return;
  pair_of_nodes of{*rig};
  of.a->take(partition);
  const auto seen = of.b.sees(partition);
  of.a->says.lease_us = 1'000;
  of.a->beat();
  of.b.says.lease_us = 1'000;
  CHECK(eventually([&] { return of.b.sees("a") == sight::late; }));
  of.a->says.lease_us = 600'000'000;
  of.a->beat();
  CHECK(of.b.sees("a") == sight::live);
  CHECK_FALSE(of.b.claim(seen).granted);
}

TEST_CASE("of two that claim at once one gets it", "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  if (!rig->is_shared())
    return;
  pair_of_nodes of{*rig};
  for (int round = 0; round < 30; ++round) {
    const auto seen = of.b.sees(partition);
    REQUIRE(seen.owner.nobody());
    std::array<answer<caf::expected<partition_claim>>, 2> replies;
    of.one->claim(of.a->claim_of(seen), replies[0].callback());
    of.two->claim(of.b.claim_of(seen), replies[1].callback());
    const auto first = replies[0].get(), second = replies[1].get();
    REQUIRE(first);
    REQUIRE(second);
    REQUIRE(first->granted != second->granted);
    auto& winner = first->granted ? *of.a : of.b;
    const auto& got = first->granted ? *first : *second;
    const auto now = of.b.sees(partition);
    CHECK(now.owner == winner.me());
    CHECK(now.epoch == got.epoch);
    REQUIRE(winner.release(partition, got.epoch).value());
  }
}

TEST_CASE("a released partition is the next one's at once", "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  if (!rig->is_shared())
    return;
  pair_of_nodes of{*rig};
  const auto epoch = of.a->take(partition);
  const auto seen = of.b.sees(partition);
  REQUIRE(of.a->release(partition, epoch).value());
  CHECK_FALSE(of.b.claim(seen).granted); // It was seen before that.
  const auto taken = of.b.claim(of.b.sees(partition));
  CHECK(taken.granted);
  CHECK_FALSE(of.a->release(partition, epoch).value());
  CHECK(of.b.sees(partition).owner == of.b.me());
}

TEST_CASE("what a node leaves behind is anybody's", "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  if (!rig->is_shared())
    return;
  pair_of_nodes of{*rig};
  of.a->take(partition);
  const auto seen = of.b.sees(partition);
  REQUIRE(of.a->leave().value());
  CHECK(of.b.claim(seen).granted);
}

TEST_CASE("a node whose connection has ended may be replaced early", "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  if (!rig->is_shared())
    return;
  pair_of_nodes of{*rig};
  of.a->take(partition);
  const auto seen = of.b.sees(partition);
  CHECK_FALSE(of.b.claim(seen, true).granted);
  of.a.reset();
  of.one.reset();
  CHECK(eventually([&] { return of.b.sees("a") == sight::gone; }));
  CHECK_FALSE(of.b.claim(seen).granted); // Its lease runs.
  CHECK(of.b.claim(seen, true).granted);
  CHECK(of.b.sees(partition).owner == of.b.me());
}

TEST_CASE("a node that comes back under its name has its partitions at once",
          "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  if (!rig->is_shared())
    return;
  pair_of_nodes of{*rig};
  of.a->take(partition);
  member again{*of.two, "a"};
  const auto seen = again.sees(partition);
  CHECK(seen.owner == of.a->me());
  CHECK_FALSE(of.a->claim(seen).granted);
  CHECK(again.claim(seen).granted);
  CHECK_FALSE(of.b.claim(of.b.sees(partition)).granted);
}

TEST_CASE("nodes hear that clicks of other partitions' pages were applied",
          "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  if (!rig->is_shared())
    return;
  pair_of_nodes of{*rig};
  const auto epoch = of.a->take(partition);
  auto send = [&](int64_t at, bool has_strays) {
    auto x = batch(partition, epoch, at, at + 1, {row(at, "e" + std::to_string(at), "/a", "u")});
    x.has_strays = has_strays;
    return apply(*of.one, x)->moved;
  };
  REQUIRE(send(0, false));
  CHECK(of.b.beat().marks.empty());
  REQUIRE(send(1, true));
  const auto first = of.b.mark_of(partition).strays;
  CHECK(first > 0);
  CHECK(of.b.mark_of(partition).stopped == stop_kind::none);
  REQUIRE(send(2, false));
  CHECK(of.b.mark_of(partition).strays == first);
  REQUIRE(send(3, true));
  const auto second = of.b.mark_of(partition).strays;
  CHECK(second > first);
  CHECK_FALSE(send(3, true)); // It was applied already.
  CHECK(of.b.mark_of(partition).strays == second);
}

TEST_CASE("nodes hear that a partition is stopped, for as long as it is",
          "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  if (!rig->is_shared())
    return;
  pair_of_nodes of{*rig};
  const auto epoch = of.a->take(partition);
  REQUIRE(of.a->mark(partition, epoch, stop_kind::records_lost, "gone: 1 to 2").value());
  auto seen = of.b.mark_of(partition);
  CHECK(seen.stopped == stop_kind::records_lost);
  CHECK(seen.why == "gone: 1 to 2");
  CHECK(seen.stopped_us >= 0);
  CHECK(seen.stopped_us < 60'000'000);
  REQUIRE(of.a->mark(partition, epoch, stop_kind::other_log, "another").value());
  CHECK(of.b.mark_of(partition).stopped == stop_kind::other_log);

  CHECK_FALSE(of.b.mark(partition, epoch, stop_kind::none, "").value()); // It is not its own.
  CHECK_FALSE(of.a->mark(partition, epoch - 1, stop_kind::none, "").value());
  CHECK(of.b.mark_of(partition).stopped == stop_kind::other_log);

  REQUIRE(of.a->release(partition, epoch).value());
  CHECK_FALSE(of.a->mark(partition, epoch, stop_kind::none, "").value());
  const auto taken = of.b.claim(of.b.sees(partition));
  REQUIRE(taken.granted);
  CHECK(taken.is_marked);
  CHECK(of.b.mark_of(partition).stopped == stop_kind::other_log); // It may still not go on.
  REQUIRE(of.b.mark(partition, taken.epoch, stop_kind::none, "").value());
  CHECK(of.a->beat().marks.empty());
  REQUIRE(of.b.release(partition, taken.epoch).value());
  CHECK_FALSE(of.a->claim(of.a->sees(partition)).is_marked);
}

TEST_CASE("a partition that has moved is not stopped, whoever forgot to say so",
          "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  if (!rig->is_shared())
    return;
  pair_of_nodes of{*rig};
  const auto epoch = of.a->take(partition);
  REQUIRE(of.a->mark(partition, epoch, stop_kind::records_lost, "gone").value());
  REQUIRE(of.b.mark_of(partition).stopped == stop_kind::records_lost);
  REQUIRE(apply(*of.one, batch(partition, epoch, 0, 1, {row(0, "e", "/a", "u")}))->moved);
  CHECK(of.b.beat().marks.empty());
}

TEST_CASE("who has the store alone takes the mark of a cluster away", "[contract][store][lease]") {
  FOOTFALL_RIG(rig, store_rigs);
  if (!rig->is_shared())
    return;
  pair_of_nodes of{*rig};
  const auto epoch = of.a->take(partition);
  REQUIRE(of.a->mark(partition, epoch, stop_kind::records_lost, "gone").value());
  const auto alone = claim(*of.two, partition);
  REQUIRE(alone);
  CHECK(alone->is_marked);
  const auto done = ask<bool>([&](auto reply) {
    of.two->nodes().mark_stopped(partition, {}, alone->epoch, stop_kind::none, "", reply);
  });
  CHECK(done.value());
  CHECK(of.b.beat().marks.empty());
}
