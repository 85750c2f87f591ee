#pragma once

#include "actors/count/partition.hpp"

/// Those who wait until a partition has applied an offset.
namespace footfall {

inline constexpr auto wait_what = caf::atom("wait");

/// Tells `reached` to whom waits for no more than is applied. While the partition claims,
/// nobody knows how far the store is: it may have gone back. While it is another node's, the
/// store is asked, ten times a second.
void answer_waiters(partition_ptr self);

/// What the store says, or that it does not.
void answer_waiters(partition_ptr self, const std::vector<partition_state>& all);

/// The sender waits for an offset; a negative one is answered at once.
void await(partition_ptr self, uint64_t ticket, int64_t offset);

} // namespace footfall
