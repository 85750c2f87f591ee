#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/partition.hpp"

namespace footfall {

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
  uint64_t beat = 0;        ///< The number of the last one that its row had.
  std::string roles = {};   ///< Separated by commas.
  std::string address = {}; ///< Where it is to be dialled, "host:port".
  std::string version = {}; ///< Of its program.
  /// Until its lease runs out, by the store's clock; below 0 since it has. Nothing: not told.
  std::optional<int64_t> left_us = {};
};

/// A partition as a beat's answer shows it. The epoch rises with each claim and release.
struct partition_owner {
  uint32_t partition = 0;
  owner_id owner;
  int64_t epoch = 0;
};

/// What all nodes are to know of a partition beside whose it is.
struct partition_mark {
  uint32_t partition = 0;
  /// Rises with each apply that had clicks of pages whose key belongs to another partition.
  uint64_t strays = 0;
  stop_kind stopped = stop_kind::none;
  int64_t stopped_us = 0; ///< How long it has been, by the store's clock.
  std::string why;        ///< In words; empty unless stopped.
};

/// What a beat is answered: the whole cluster, in one snapshot of the store.
struct beat_answer {
  bool renewed = true; ///< By this beat or a later one; false: a later process has the name.
  std::vector<node_row> nodes;             ///< One row for a name; this node's own may be missing.
  std::vector<partition_owner> partitions; ///< All of the log, in ascending order.
  std::vector<partition_mark> marks;       ///< Of those that there is something to say of.
};

} // namespace footfall
