#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/lease.hpp"

namespace footfall::model {

using footfall::log_reach;
using footfall::node_row;
using footfall::owner_id;
using footfall::sight;
using partition_row = footfall::partition_owner;

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
