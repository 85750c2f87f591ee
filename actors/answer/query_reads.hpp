#pragma once

#include <vector>

#include "actors/answer/query.hpp"

/// The part of the query actor that reads the store.
namespace footfall::query_parts {

/// The partition where the page that is asked for lives.
uint32_t home_of(query_ptr self, const query_ask& ask);

/// Whether this node may answer for the page from memory: its partition is here, as far as
/// that was confirmed of late. Else only the store may.
bool is_answered_here(query_ptr self, const query_ask& ask);

/// What is read or asked for this query after the call is as fresh as this. Taken before,
/// never when the answer is there: more may have been acknowledged by then.
int64_t as_of(query_ptr self, const query_ask& ask);

/// Reads the counts that are wanted, many in one call, few calls at once.
void read_counts(query_ptr self);
/// A page is to be read: at the end of the turn, or when one of few reads at once is back, and
/// together with others of its site. A question fails when too many are.
void want_page(query_ptr self, uint64_t id);
void read_pages(query_ptr self);
void read_series(query_ptr self, uint64_t id, const query_ask& ask);
void read_top_pages(query_ptr self, uint64_t id, const query_ask& ask);
void read_users(query_ptr self, uint64_t id, const query_ask& ask);
/// The names of these users, if users are asked for, or else event types.
void read_names(query_ptr self, uint64_t id, const query_ask& ask, std::vector<int32_t> numbers);

/// What a read of the store gave.
void take_read(query_ptr self, store_answer& read);

} // namespace footfall::query_parts
