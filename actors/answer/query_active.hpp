#pragma once

#include "actors/answer/query.hpp"

/// The part of QUERY that asks all partitions, here and at other nodes, who is active, and
/// makes one answer of what they say.
namespace footfall::query_parts {

/// Asks for an open query from the beginning.
void ask_active(query_ptr self, uint64_t id);

/// Asks those once more that said nothing for a while; ends the query when that was in vain.
void ask_the_silent(query_ptr self, uint64_t id);

/// From QUERY of another node: the partitions here are to answer it.
void pass_on(query_ptr self, const active_ask& ask);

/// What one partition said.
void take_active(query_ptr self, active_part& said);

} // namespace footfall::query_parts
