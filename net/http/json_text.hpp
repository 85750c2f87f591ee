#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace footfall::http {

/// Appends `text` (valid UTF-8) as a JSON string with its quotes, escaped as Go's
/// encoding/json does: &, < and > as \u0026, \u003c and \u003e, and U+2028 and
/// U+2029, so that the text is safe inside HTML as well.
void append_json_string(std::string& out, std::string_view text);

/// The same for text of unknown origin: bytes that are not UTF-8 become U+FFFD.
void append_json_safe(std::string& out, std::string_view text);

void append_number(std::string& out, uint64_t value);

/// Appends the time as RFC 3339 writes it, in quotes.
void append_time(std::string& out, int64_t at_us);

/// Appends `,"name":` or, directly behind a brace, `"name":`.
void append_key(std::string& out, std::string_view name);

/// Appends a member with its key: a text of unknown origin, a number, or one that is not known
/// while it is negative, which is null.
void append_member(std::string& out, std::string_view name, std::string_view text);
void append_member(std::string& out, std::string_view name, uint64_t value);
void append_known(std::string& out, std::string_view name, int64_t value);

} // namespace footfall::http
