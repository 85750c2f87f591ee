#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <caf/expected.hpp>

#include "proto/lease.hpp"

namespace footfall {

/// What a node says of itself with a beat.
struct node_beat {
  owner_id me;
  uint64_t number = 0; ///< Higher than that of any beat of this process before.
  int64_t lease_us = 3'000'000;
  int64_t spent_us = 0;    ///< Of that, while a beat before this one waits for its answer.
  uint32_t partitions = 0; ///< Of the log as this node knows it; all of them are answered.
  bool draining = false;
  log_reach log = log_reach::works;
  std::string roles;   ///< Separated by commas.
  std::string address; ///< Where other nodes reach it; may be empty.
  std::string version;
};

/// Whether `roles` (separated by commas) names `role`.
bool has_role(std::string_view roles, std::string_view role);

/// Adds, as nobody's, the partitions below `count` that nobody has claimed yet. Both are in
/// ascending order.
void add_unclaimed(std::vector<partition_owner>& to, uint32_t count);

/// A claim by one of several nodes, on what a beat showed it.
struct lease_claim {
  uint32_t partition = 0;
  owner_id me;
  owner_id owner;     ///< As it was seen, like `epoch`.
  int64_t epoch = 0;  ///< 0: nobody has claimed it yet.
  bool early = false; ///< The owner's lease may still run, as its connection has ended.
};

/// The leases of the nodes that share the partitions of one log (docs/adr/0036-leases.md).
/// Every time is taken and compared by the clock of the store.
///
/// Part of a store, and called like it: no call blocks, every callback runs once, on a
/// thread of the store. A failure says nothing about whether the call was, or will still be,
/// carried out; none does harm when it is late. Nobody who only looks need ever claim.
/// Every adapter passes tests/contract/store_leases.cpp.
class leases {
public:
  template <class T>
  using done = std::function<void(caf::expected<T>)>;

  virtual ~leases() = default;

  /// @returns the number of a process that begins: higher than all that were given before.
  virtual void join(done<int64_t> reply) = 0;

  /// Renews the lease of this node, and answers who is there and owns what. Does not wait for
  /// applies, folds or reads. Nothing changes when the row of this name is of a later process,
  /// where `renewed` is false, or has a later beat of this one, which has renewed the lease.
  virtual void beat(node_beat x, done<beat_answer> reply) = 0;

  /// Makes a partition nobody's, if it is of this process and has this epoch; the epoch rises,
  /// so that nothing that this process still has under way moves it afterwards. What it has
  /// applied stays. To be called when it has no apply under way: one that waits in the store
  /// may be overtaken, and then moves nothing. @returns whether it was so.
  virtual void release(uint32_t partition, owner_id me, int64_t epoch, done<bool> reply) = 0;

  /// Notes for all nodes why a partition stopped, or with `none` that it goes on, if it is of
  /// this process and has this epoch. @returns whether it was so.
  virtual void mark_stopped(uint32_t partition, owner_id me, int64_t epoch, stop_kind kind,
                            std::string why, done<bool> reply) = 0;

  /// Takes this process from the nodes. What it owns is anybody's from then on. @returns
  /// whether it was there.
  virtual void leave(owner_id me, done<bool> reply) = 0;
};

} // namespace footfall
