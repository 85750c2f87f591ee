#pragma once

#include <string>

#include "net/http/query_string.hpp"
#include "proto/bad_event.hpp"

namespace footfall::http {

/// The bodies of /admin/bad-events. The readers answer empty, or what is wrong.
/// Reads after=, limit= and open=.
std::string read_bad_events_ask(const query_params& params, bad_events_ask& out);
/// Reads positions=, or after= and limit=.
std::string read_redrive_ask(const query_params& params, redrive_ask& out);

std::string render(const bad_event_page& page);
std::string render(const redrive_reply& reply);

} // namespace footfall::http
