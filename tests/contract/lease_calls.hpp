#pragma once

#include <string>
#include <utility>

#include "tests/contract/store_calls.hpp"

/// The calls of a store's leases, waited for, as one process of a cluster makes them.
namespace footfall::test {

inline answered<int64_t> join(store& db) {
  return ask<int64_t>([&](auto done) { db.nodes().join(done); });
}

/// A process that has joined. Its leases are longer than any test.
struct member {
  member(store& db, const std::string& name) : db(db) {
    const auto number = join(db);
    REQUIRE(number);
    says.me = {name, *number};
    says.lease_us = 600'000'000;
    says.partitions = 2;
    says.roles = "query,aggregate";
  }

  const owner_id& me() const { return says.me; }
  answered<beat_answer> try_beat() {
    ++says.number;
    return ask<beat_answer>([&](auto done) { db.nodes().beat(says, done); });
  }
  beat_answer beat() {
    auto out = try_beat();
    REQUIRE(out);
    return std::move(*out);
  }
  partition_owner sees(uint32_t partition) {
    const auto all = beat().partitions;
    REQUIRE(all.size() > partition);
    REQUIRE(all[partition].partition == partition);
    return all[partition];
  }
  /// How a node is, in a beat's answer; of one that is not there, that it is late.
  sight sees(const std::string& name) {
    for (const auto& x : beat().nodes)
      if (x.id.node == name)
        return x.seen;
    return sight::late;
  }

  lease_claim claim_of(const partition_owner& seen, bool early = false) const {
    return {seen.partition, me(), seen.owner, seen.epoch, early};
  }
  answered<partition_claim> try_claim(const partition_owner& seen, bool early = false) {
    return ask<partition_claim>([&](auto done) { db.claim(claim_of(seen, early), done); });
  }
  partition_claim claim(const partition_owner& seen, bool early = false) {
    auto out = try_claim(seen, early);
    REQUIRE(out);
    return *out;
  }
  /// A partition that nobody has, which it gets. @returns the epoch.
  int64_t take(uint32_t partition) {
    const auto out = claim(sees(partition));
    REQUIRE(out.granted);
    return out.epoch;
  }
  answered<bool> release(uint32_t partition, int64_t epoch) {
    return ask<bool>([&](auto done) { db.nodes().release(partition, me(), epoch, done); });
  }
  answered<bool> mark(uint32_t partition, int64_t epoch, stop_kind kind, const std::string& why) {
    return ask<bool>(
        [&](auto done) { db.nodes().mark_stopped(partition, me(), epoch, kind, why, done); });
  }
  /// What a beat says of a partition; without a word of it, an empty mark.
  partition_mark mark_of(uint32_t partition) {
    for (auto& x : beat().marks)
      if (x.partition == partition)
        return x;
    return {};
  }
  answered<bool> leave() {
    return ask<bool>([&](auto done) { db.nodes().leave(me(), done); });
  }

  store& db;
  node_beat says;
};

} // namespace footfall::test
