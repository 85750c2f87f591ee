#pragma once

#include <memory>

#include "actors/model/access_gate.hpp"
#include "actors/ports/clock.hpp"
#include "net/http/exchange.hpp"

namespace footfall::http {

/// Shows anybody, on any page of the web, how often a page was clicked, where an admin has said
/// that it may be seen. An answer is remembered for 5 s, so that a page with many visitors asks
/// the actors once in a while.
/// @param gate null: nobody is asked for keys here, and there are no counters.
std::unique_ptr<endpoint> make_public_counter(request_handler& handler,
                                              const model::access_gate* gate, now_fn now);

} // namespace footfall::http
