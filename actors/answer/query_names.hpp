#pragma once

#include <string>
#include <vector>

#include "actors/answer/query.hpp"

/// The part of the query actor that knows which text stands for which number of the store.
namespace footfall::query_parts {

/// "site NUL page" of a query.
std::string page_of(const query_ask& ask);

/// The store's number of the user that is asked for; 0 while it is not known.
int32_t user_number(query_ptr self, const query_ask& ask);
void note_user_number(query_ptr self, const query_ask& ask, int32_t user_no);

/// Most clicks first, ties by name; at most `limit`.
void order_rows(query_answer& answer, uint32_t limit);

/// Finishes the query with `answer` and these rows, once they have their names; those that
/// it does not know are asked of the store.
void name_rows(query_ptr self, uint64_t id, query_state::open_query& x, query_answer answer,
               const std::vector<numbered_count>& rows);
/// The store gave names that were asked for.
void take_names(query_ptr self, const query_state::open_query& x, store_answer& read);
void finish_named(query_ptr self, uint64_t id, query_state::open_query& x);

} // namespace footfall::query_parts
