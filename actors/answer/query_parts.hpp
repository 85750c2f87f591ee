#pragma once

#include "actors/answer/query.hpp"

/// The parts of the query actor: where answers come from, and how they are made.
namespace footfall::query_parts {

/// Answers all who asked; forgets the query unless it is a watch.
void finish(query_ptr self, uint64_t id, query_answer answer);
void fail(query_ptr self, uint64_t id, errc code, std::string reason);

/// Asks the partitions for what the query waits for. `now`: only how far they are.
void ask_positions(query_ptr self, uint64_t id, bool now);

/// The store is another incarnation: nothing that it numbered or answered before holds,
/// and what is open begins again.
void renew(query_ptr self, uint64_t incarnation);
/// False, and the query runs again, when an answer is of another incarnation than what the
/// actor knows. `x` is void then.
bool is_current(query_ptr self, query_state::open_query& x, uint64_t incarnation);
/// Begins again what is marked so.
void run_again(query_ptr self);

bool is_reached(const std::vector<position>& by, const std::vector<position>& after);
void raise(std::vector<position>& reached, const std::vector<position>& to);

/// Takes the way of its kind: cache and page aggregator, or the store.
void run(query_ptr self, uint64_t id);
/// Asks the page's aggregator, by way of its partition.
void ask_page(query_ptr self, uint64_t id, query_state::open_query& x);

/// What a page aggregator said.
void take_page(query_ptr self, page_answer& said);

/// Sends what the turn gathered.
void flush(query_ptr self);

} // namespace footfall::query_parts
