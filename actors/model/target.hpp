#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace footfall::model {

/// One process of the cluster. A node keeps its name over restarts; the store numbers the
/// processes, so that of two under one name the later one has the higher incarnation.
struct owner_id {
  std::string node; ///< Empty: nobody.
  int64_t incarnation = 0;

  bool nobody() const noexcept { return node.empty(); }
  friend bool operator==(const owner_id&, const owner_id&) = default;
};

/// What the row of a node says by the store's clock, at the time of a beat.
enum class sight : uint8_t {
  live,
  late, ///< Its lease has run out, and the store is up for as long as a lease lasts.
  gone  ///< Its lease runs, but the connection of its last beat has ended.
};

/// Whether a node can read the event log, as its row says.
enum class log_reach : uint8_t {
  works,
  fails, ///< Of late, or for all: it keeps what it has, as moving would not help.
  lost   ///< It could not for long although another could: it gives away what it has.
};

/// A node as a beat's answer shows it.
struct node_row {
  owner_id id;
  sight seen = sight::live;
  bool aggregates = true; ///< It has the role `aggregate`.
  bool draining = false;  ///< It is about to end.
  log_reach log = log_reach::works;
  uint64_t beat = 0; ///< The number of the last one that its row had.
};

/// A partition as a beat's answer shows it. The epoch rises with each claim.
struct partition_row {
  uint32_t partition = 0;
  owner_id owner;
  int64_t epoch = 0;
};

/// The nodes that may have partitions: those that `seen` says are live, aggregate, do not drain
/// and have not lost the log.
bool may_own(const node_row& x) noexcept;

/// Who should own each of `partitions` (in ascending order); the name is empty where no node may.
/// Every node computes this from the same rows and acts for itself.
///
/// Nobody has more than one partition above another. A node that may own keeps what it has (also
/// what an earlier process of its name had) up to its share; the larger shares go to those that
/// have most, so that as little as possible moves. What is free then goes, one after the other,
/// to the node of the highest weight that has room: rendezvous hashing (D. Thaler, C. Ravishankar,
/// "Using Name-Based Mappings to Increase Hit Rates", IEEE/ACM Transactions on Networking 6(1),
/// 1998), whose weights depend on no other node, so that a change of one leaves the rest alone.
std::vector<std::string> target(const std::vector<partition_row>& partitions,
                                const std::vector<node_row>& nodes);

/// The weight of `partition` at `node`. It must be the same in every program of a cluster:
/// FNV-1a over the name, then the finalizer of MurmurHash3 (both are in the public domain).
uint64_t rendezvous_weight(const std::string& node, uint32_t partition) noexcept;

} // namespace footfall::model
