#pragma once

#include <string>
#include <string_view>

namespace footfall::app {

/// The methods of RFC 9110, and PATCH. WebDAV and other registered methods ask for no
/// page; what is no method at all is no HTTP.
bool is_method(std::string_view text) noexcept;

/// What a request asks for. The texts lie in the line.
struct request_line {
  std::string_view method;
  std::string_view target; ///< As it stands, escapes included.
};

/// Reads `METHOD SP target SP HTTP/1.1`; the target ends at the last space. HTTP/0.9
/// has no version, and then no space in the target either.
/// @returns an empty text and fills `out`, or why that is no request for a page.
std::string parse_request(std::string_view text, request_line& out);

/// Why `target` is no page that the method could ask for, or nothing.
std::string fault_of_target(std::string_view method, std::string_view target);

/// The next quote from `from` on that no backslash escapes; npos: there is none.
size_t next_quote(std::string_view text, size_t from) noexcept;

/// Where the quoted request ends that begins behind `from`: the closing quote, which no
/// backslash escapes. npos: the line is cut off.
size_t end_of_request(std::string_view line, size_t from) noexcept;

/// Undoes what servers write for bytes that would break the line: `\"`, `\\`, `\xHH`
/// and `\t`, `\n`... Leaves the text as it is when the result would be no clean UTF-8.
void unescape(std::string_view text, std::string& out);

} // namespace footfall::app
