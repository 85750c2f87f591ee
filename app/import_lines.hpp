#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "actors/model/event_json.hpp"
#include "proto/event.hpp"

namespace footfall::app {

enum class import_format : uint8_t { combined = 1, ndjson };

/// By the first line: JSON objects begin with a brace.
import_format guess_format(std::string_view line) noexcept;

/// Reads one line of an access log in Apache's "combined" (or "common") form as a
/// click: user_id is the client's address, page_url the request's target.
/// Lenient behind the target: only the address, the time in brackets and the start
/// of the first quoted text must be there, since logs have lines whose quoting is
/// broken further on.
/// @returns an empty text and fills `out`, or why it is no such line.
std::string parse_combined(std::string_view line, click_event& out);

/// An id that is the same each time the same line at the same place of a file is
/// read, and that sorts by time (a UUIDv7).
std::string id_of_line(int64_t at_us, uint64_t line_number, std::string_view line);

/// Turns lines into events that may be sent: parsed, with an id, validated.
class line_importer {
public:
  line_importer(import_format format, std::string site) : format_(format), site_(std::move(site)) {}

  /// @returns an empty text and fills `out`, or why the line is refused.
  std::string read(uint64_t line_number, std::string_view line, click_event& out);

private:
  import_format format_;
  std::string site_;
  model::event_json_parser parser_;
};

/// The event as one line of NDJSON, with the newline. It has passed validate().
void append_ndjson(std::string& out, const click_event& event);

} // namespace footfall::app
