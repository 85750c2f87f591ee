#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/event.hpp"

namespace footfall::model {

/// An event read from JSON, or why it is none.
struct parsed_event {
  click_event event;     ///< Not yet validated.
  std::string time_text; ///< time_stamp in the reference's form (RFC 3339, up to nine
                         ///< decimals without trailing zeros, the given offset); empty when unset.
  std::string reason;    ///< Empty: `event` holds.
  bool syntax = false;   ///< The text is not JSON at all, or not an object.
  std::string warning;   ///< What is likely not meant, though `event` holds; mostly empty.
};

/// The body of GET /analytics/events.
struct parsed_pair {
  std::string user_id;
  std::string page_url;
  std::string reason;
};

/// Reads the reference's JSON. Field names match without regard to case, unknown
/// fields are ignored, null is the same as absent; refused are duplicate keys of
/// ours, U+0000, a BOM, nesting over 16, more than 64 keys, text after the value,
/// and values of the wrong type. time_stamp is RFC 3339; zero (year 1) is unset.
/// Keeps buffers: one object serves one thread at a time.
class event_json_parser {
public:
  event_json_parser();
  ~event_json_parser();
  event_json_parser(event_json_parser&&) noexcept;
  event_json_parser& operator=(event_json_parser&&) noexcept;

  /// One object.
  parsed_event parse_event(std::string_view text);

  /// An object, an array of objects, or NDJSON (one object a line, empty lines
  /// ignored), told apart by the first byte and the lines. At most `most` events. Each
  /// is judged alone, in an array as well, as long as brackets and quotes add up.
  /// @returns empty and fills `out` (single events may carry a reason each), or
  /// why the body as a whole is refused.
  std::string parse_batch(std::string_view text, size_t most, std::vector<parsed_event>& out);

  parsed_pair parse_pair(std::string_view text);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace footfall::model
