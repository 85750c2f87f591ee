#pragma once

#include <vector>

#include "actors/accept/gateway.hpp"

/// The questions of GATEWAY: to whom each goes, and what becomes of it.
namespace footfall::gateway_queries {

void start(gateway_ptr self, std::vector<gateway_inbox::query_item>& items, int64_t now_us);
void unwatch(gateway_ptr self, uint64_t ticket);

/// From the QUERY that sent the message.
void take_answered(gateway_ptr self, std::vector<query_answer>& answers);

/// Another QUERY is here, perhaps none. To be called before and after GATEWAY learns of it.
void end_those_here(gateway_ptr self);
void give(gateway_ptr self);

/// There are other routes. What waits for a node that is lost is asked again, once; watches go
/// where their page is.
void take_routes(gateway_ptr self);

/// Answers those whose time is up.
void expire(gateway_ptr self, int64_t now_us);

/// What is told when nobody will answer.
query_answer given_up(const gateway_state& st, const gateway_state::open_query& x,
                      const char* reason);

} // namespace footfall::gateway_queries
