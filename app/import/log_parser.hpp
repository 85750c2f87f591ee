#pragma once

#include <string>
#include <string_view>

#include "actors/model/event_json.hpp"
#include "app/import/hit.hpp"
#include "app/import/identity.hpp"
#include "app/import/log_format.hpp"
#include "app/import/w3c_log.hpp"

namespace footfall::app {

/// What is wanted of the lines of a log.
struct parse_rules {
  std::string source; ///< Whose log it is: part of each line's identity.
  std::string site;   ///< Empty: the default one.
  bool only_pages = false;
  bool skip_bots = false;
  bool arrival_time = false; ///< Take events whose time stands in a field that is not read.
};

/// Turns the lines of one file into events that may be sent: parsed, filtered, with an
/// id, validated.
class log_parser {
public:
  log_parser(log_format format, const parse_rules& rules);

  /// The lines behind are read in another format; what was read before still counts.
  void become(log_format format) noexcept { format_ = format; }
  log_format format() const noexcept { return format_; }

  /// Fills `out`, or `why` when the line is refused.
  line_fate read(std::string_view line, click_event& out, std::string& why);

  /// The line needs no newline to be whole: a JSON object ends by itself.
  bool is_whole(std::string_view line);

  /// The lines behind are those of another file of the same log.
  void renew() { ids_ = line_ids{rules_.source}; }

  /// Lines so far that were identical to an earlier one of their file.
  uint64_t repeated() const noexcept { return repeated_; }

  /// What must stand above a line to read it again; empty for most formats.
  const std::string& header() const noexcept { return w3c_.fields_line(); }

private:
  line_fate parse(std::string_view line, std::string& why);

  log_format format_;
  const parse_rules rules_;
  hit hit_;
  model::event_json_parser events_;
  json_log json_;
  w3c_log w3c_;
  line_ids ids_;
  uint64_t repeated_ = 0;
};

/// The event as one line of NDJSON, with the newline. It has passed validate().
void append_ndjson(std::string& out, const click_event& event);

} // namespace footfall::app
