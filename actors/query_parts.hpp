#pragma once

#include "actors/query.hpp"

/// The parts of the query actor: where answers come from, and how they are made.
namespace footfall::query_parts {

/// Answers all who asked; forgets the query unless it is a watch.
void finish(query_ptr self, uint64_t id, query_answer answer);
void fail(query_ptr self, uint64_t id, errc code, std::string reason);

/// Takes the way of its kind: cache and page aggregator, or the store.
void run(query_ptr self, uint64_t id);

/// What a page aggregator said.
void take_page(query_ptr self, page_answer& said);

/// Sends what the turn gathered.
void flush(query_ptr self);

} // namespace footfall::query_parts
