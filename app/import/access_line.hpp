#pragma once

#include <string>
#include <string_view>

#include "app/import/hit.hpp"

namespace footfall::app {

/// Reads one line of an access log in the "combined" or the "common" form, with or
/// without the virtual host in front, as a click: user_id is the client's address,
/// page_url the request's target. Behind the closing quote of the request nothing must
/// be there: logs have lines whose quoting is broken further on.
/// @returns an empty text and fills `out`, or why the line is refused.
std::string parse_access_line(std::string_view line, hit& out);

/// True when a time as web servers write it stands in brackets in `line`.
bool looks_like_access_line(std::string_view line) noexcept;

} // namespace footfall::app
