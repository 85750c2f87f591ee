#pragma once

#include "actors/count/partition.hpp"

/// The part of a partition that knows when its records arrived.
namespace footfall::partition_times {

/// What the log holds, as it was looked at for a claim or while the partition runs: from
/// here on it is known how much waits.
void looked(partition_ptr self, const log_view& log);

/// It runs: what is told of it is as old as what it has not applied.
void start(partition_ptr self);

/// What it has is of a store that is gone: until it has claimed again, nothing is told that
/// is newer than the oldest event.
void doubt(partition_ptr self);

/// Whatever comes, nothing is told that is newer than now.
void stop(partition_ptr self);

/// When what was read arrived, unless ingestion said so: other producers' records, and
/// those from before a restart.
void learn(partition_ptr self, const log_batch& batch);

/// How long the apply took, what was in it, and, of every new event, the time from its arrival
/// to the commit, with which it counts.
void measure(partition_ptr self, const apply_result& result);

/// What was in flight is applied, and its pages were told.
void applied(partition_ptr self);

} // namespace footfall::partition_times
