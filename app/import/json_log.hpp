#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "app/import/hit.hpp"

namespace footfall::app {

/// What kind of JSON a text is.
enum class json_kind : uint8_t {
  none = 0, ///< No JSON object.
  event,    ///< The API's fields.
  access,   ///< A web server's log line.
};

/// Reads access logs whose lines are JSON objects: what nginx writes with a log_format
/// (its variables, under their own or usual names), Caddy's log, and the like.
/// Keeps buffers: one object serves one thread at a time.
class json_log {
public:
  json_log();
  ~json_log();

  /// @returns an empty text and fills `out`, or why the line is refused.
  std::string read(std::string_view line, hit& out);

  json_kind kind_of(std::string_view text);

  /// A whole object: nothing can follow that belongs to it.
  bool is_whole(std::string_view text) { return kind_of(text) != json_kind::none; }

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace footfall::app
