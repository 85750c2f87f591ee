#pragma once

#include "actors/accept/gateway.hpp"

/// What an answer of another node must have, and as of when it may say it is. That node knows
/// what it applied itself; what this node acknowledged, or read in the store and told, it may
/// not know yet.
namespace footfall::gateway_bounds {

/// Before the question goes to the node that has partition `home`.
void begin(const gateway_state& st, gateway_state::open_query& x);

/// False: it lacks what this node knows to be applied, and nobody may be told it. Otherwise it
/// says from now on as of when it holds by this node's clock.
bool take(const gateway_state& st, gateway_state::open_query& x, query_answer& reply);

/// Whether an update lacks what clients were told of the partition from the store, since its
/// watch was placed or before.
bool is_behind(const gateway_state& st, const gateway_state::open_query& x,
               const query_answer& reply);

/// A client is told this.
void note_told(gateway_state& st, const gateway_state::open_query& x, const query_answer& reply);

/// A watch is told nothing that is older than what it was told.
bool is_outdated(const gateway_state& st, gateway_state::open_query& x, const query_answer& reply);

} // namespace footfall::gateway_bounds
