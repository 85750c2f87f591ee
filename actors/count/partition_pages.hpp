#pragma once

#include "actors/count/partition.hpp"

/// The part of a partition that knows pages: whose the rows of a batch are, which are live,
/// and what the cache must be told of the others.
namespace footfall::partition_pages {

/// Before all else, once.
void begin(partition_ptr self);

/// The partition runs from here on.
void start(partition_ptr self);

/// What the records in flight come to, and notes whose page each of its rows is.
apply_request plan_apply(partition_ptr self);

/// Remembers which of the applied records were new.
void note_applied(partition_ptr self, const apply_result& result);

/// Hands the clicks that an apply added to the pages they belong to.
void hand_out(partition_ptr self, const apply_result& result);

/// Gives clicks to a page of this partition.
void take_delta(partition_ptr self, page_delta delta);

/// Answers, or passes on to the aggregator.
void ask(partition_ptr self, std::vector<page_ask>& asks);
void watch(partition_ptr self, page_ask& ask);

/// The store's answer to a load, or why there is none.
void take_loads(partition_ptr self, store_answer& answer);

/// Tells the cache about folded pages that nobody holds live.
void tell_cache(partition_ptr self, const fold_result& result);

/// What was applied nobody told of: by an apply whose answer was lost, or by another owner.
/// The cache forgets all; when clicks of pages that live elsewhere may be among it, so do
/// the other partitions.
void forget_untold(partition_ptr self);

/// Ends the live pages, and the cache forgets all. They load again when they are needed: they
/// would go on telling a cache manager of before, or may lack clicks that another partition
/// applied.
void renew(partition_ptr self);

/// Another partition may have applied clicks of pages of this one, and told nobody.
void lack(partition_ptr self);

live_pages live(partition_ptr self, uint32_t most);
caf::result<page_check> check(partition_ptr self, const std::string& page, page_load& stored);
/// Ends aggregators that nobody used for a while.
void sweep(partition_ptr self);

/// Ends all aggregators: they load again when needed.
void reset(partition_ptr self);

/// An aggregator ended: by a fault of its own unless it was told to.
void drop_ended(partition_ptr self, const caf::down_msg& down);

} // namespace footfall::partition_pages
