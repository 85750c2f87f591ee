#pragma once

#include <string>

#include "actors/answer/query.hpp"

/// The part of the query actor that reads the store and names what it gave.
namespace footfall::query_parts {

/// "site NUL page" and "site NUL user" of a query.
std::string page_of(const query_ask& ask);
std::string user_of(const query_ask& ask);

/// What is read or asked for this query after the call is as fresh as this. Taken before,
/// never when the answer is there: more may have been acknowledged by then.
int64_t as_of(query_ptr self, const query_ask& ask);

/// Reads the counts that are wanted, many in one call, few calls at once.
void read_counts(query_ptr self);
void read_page(query_ptr self, uint64_t id, const query_ask& ask);
void read_series(query_ptr self, uint64_t id, const query_ask& ask);
void read_top_pages(query_ptr self, uint64_t id, const query_ask& ask);
void read_users(query_ptr self, uint64_t id, const query_ask& ask);

/// Finishes the query with `answer` and these rows, once they have their names; those that
/// it does not know are asked of the store.
void name_rows(query_ptr self, uint64_t id, query_state::open_query& x, query_answer answer,
               const std::vector<numbered_count>& rows);

/// What a read of the store gave.
void take_read(query_ptr self, store_answer& read);

} // namespace footfall::query_parts
