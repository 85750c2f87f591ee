#pragma once

#include <vector>

#include "actors/answer/query.hpp"

/// The part of the query actor that looks up counts in the cache, and fills it.
namespace footfall::query_parts {

/// Looks up what the turn gathered.
void look_up(query_ptr self);
/// What the cache has; what it has not is asked of the page aggregator.
void take_found(query_ptr self, uint64_t number, std::vector<cached_count>& found);
/// Goes on without the answers that the cache owes for too long.
void give_up_lookups(query_ptr self, int64_t now_us);

/// Gives the cache what the turn read.
void send_fills(query_ptr self);

} // namespace footfall::query_parts
