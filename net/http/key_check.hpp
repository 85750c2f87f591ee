#pragma once

#include <optional>

#include "actors/model/access_gate.hpp"
#include "net/http/exchange.hpp"

namespace footfall::http {

/// What a client is told whose key does not do: 401, 403, 429 or 503.
problem problem_of(model::access_denial why, model::access_need need);

/// What a request brings along.
model::credentials credentials_of(const request& x, bool takes_sessions);

/// Looks at the key of a request, or at the session of its cookie, and notes in `x` who asks.
/// @returns why the request is refused.
std::optional<problem> check_key(const model::access_gate& gate, model::access_need need,
                                 bool takes_sessions, int64_t now_us, exchange& x);

/// Takes `amount` of what the key may have in a second, and has the answer say how much is left.
/// False: it was too much, and the request is refused.
bool charge(exchange& x, uint64_t amount);

/// The site that the request may ask about takes the place of one that is not named. False: it
/// names a foreign one, and is refused.
bool keeps_to_its_site(exchange& x, std::string& site);
bool keeps_to_its_site(exchange& x, query_params& params);

} // namespace footfall::http
