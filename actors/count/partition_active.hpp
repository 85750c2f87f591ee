#pragma once

#include "actors/count/partition.hpp"

/// The part of a partition that knows who was active on its pages in the last minutes: on all
/// that live here, whichever partition their clicks came through.
namespace footfall::partition_active {

/// Before all else, once.
void begin(partition_ptr self);

/// The partition runs. What it knew holds if it applied all before itself.
void start(partition_ptr self);

/// Clicks of a page, after their commit.
void add(partition_ptr self, const page_delta& delta);

/// All that was applied so far was added.
void applied(partition_ptr self);

/// The partition is another node's from here on.
void forget(partition_ptr self);

/// Clicks may have been applied by now of which it was not told.
void doubt(partition_ptr self);

/// Answers the QUERY that is named, unless somebody else may know better.
void answer(partition_ptr self, const active_ask& ask);

} // namespace footfall::partition_active
