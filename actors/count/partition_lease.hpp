#pragma once

#include <optional>

#include "actors/count/partition.hpp"

/// A partition of a cluster: it claims nothing by itself. OWNERSHIP, which knows what the
/// lease of the node covers, claims for it, and tells it what is its own.
namespace footfall::partition_lease {

/// Only another claim can tell where the partition stands: OWNERSHIP is asked for one.
/// Everything of the claim before must be void by now.
void ask_to_claim(partition_ptr self);

/// Another claim was later. OWNERSHIP looks what is whose.
void tell_fenced(partition_ptr self);

/// OWNERSHIP gave it a claim, or takes it away. What is void then is the caller's.
void take(partition_ptr self, const partition_claim& x);
void drop(partition_ptr self);

/// It is to be given away. @returns whether that can be done now; else end_release() is to
/// be called when the apply under way has ended.
bool begin_release(partition_ptr self);
/// Nothing of this node's is under way with the claim.
void end_release(partition_ptr self);

/// Of the timer, and of the failure, of mark().
inline constexpr auto mark_what = caf::atom("mark");

/// Has the store tell all nodes that it is stopped, and why, or that it runs again. What fails
/// is tried again after a second.
void mark(partition_ptr self);
void mark_later(partition_ptr self);

/// As of when it may be asked now, of at most `as_of_us`; none: only the store may answer.
std::optional<int64_t> live_as_of(partition_ptr self, int64_t as_of_us);

/// `as_of_us`, or when the apply was sent whose answer just came: with a claim, nothing
/// later is sure.
int64_t applied_as_of(partition_ptr self, int64_t as_of_us);

} // namespace footfall::partition_lease
