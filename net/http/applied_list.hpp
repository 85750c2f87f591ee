#pragma once

#include "net/http/exchange.hpp"

namespace footfall::http {

inline constexpr std::string_view applied_path = "/v1/applied";

/// Answers GET /v1/applied?ranges=0:17-42,1:5: what became of the events there.
void answer_applied(exchange& x, const request_handler& handler);

} // namespace footfall::http
