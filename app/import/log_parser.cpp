#include "app/import/log_parser.hpp"

#include <algorithm>

#include "actors/model/time_text.hpp"
#include "actors/model/validate.hpp"
#include "app/import/access_line.hpp"
#include "app/import/filters.hpp"
#include "app/log.hpp"

namespace footfall::app {

log_parser::log_parser(log_format format, const parse_rules& rules)
    : format_(format), rules_(rules), ids_(rules.source) {
  hit_.wants_agent = rules.skip_bots;
}

line_fate log_parser::parse(std::string_view line, std::string& why) {
  auto& event = hit_.event;
  switch (format_) {
  case log_format::w3c: return w3c_.read(line, hit_, why);
  case log_format::json: why = json_.read(line, hit_); break;
  case log_format::events: {
    auto parsed = events_.parse_event(line);
    why = std::move(parsed.reason);
    if (why.empty() && !parsed.warning.empty() && !rules_.arrival_time)
      why = parsed.warning + ", or give --arrival-time";
    event = std::move(parsed.event);
    break;
  }
  default: why = parse_access_line(line, hit_);
  }
  return why.empty() ? line_fate::event : line_fate::refused;
}

line_fate log_parser::read(std::string_view line, click_event& out, std::string& why) {
  if (line.find_first_not_of(" \t") == std::string_view::npos)
    return line_fate::blank;
  hit_.clear();
  if (const auto fate = parse(line, why); fate != line_fate::event)
    return fate;
  auto& event = hit_.event;
  if (format_ != log_format::events) {
    if (rules_.only_pages && !is_page(hit_))
      return line_fate::not_page;
    if (rules_.skip_bots && is_bot(hit_.agent))
      return line_fate::bot;
  }
  event.site_id = rules_.site;
  if (auto bad = model::validate(event)) {
    why = std::move(bad.reason);
    return line_fate::refused;
  }
  if (event.event_id.empty()) {
    const auto before = ids_.repeated();
    event.event_id = ids_.of(event.at_us, line);
    repeated_ += ids_.repeated() - before;
  }
  out = std::move(event);
  return line_fate::event;
}

bool log_parser::is_whole(std::string_view line) {
  return (format_ == log_format::events || format_ == log_format::json) && json_.is_whole(line);
}

void append_ndjson(std::string& out, const click_event& event) {
  auto member = [&out](const char* name, std::string_view text) {
    out += name;
    const bool is_plain = std::none_of(text.begin(), text.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
    });
    if (is_plain)
      ((out += '"') += text) += '"';
    else
      out += json_text(text);
  };
  member("{\"event_id\":", event.event_id);
  member(",\"user_id\":", event.user_id);
  member(",\"event_type\":", event.event_type);
  member(",\"page_url\":", event.page_url);
  if (event.at_us != unset_time)
    (out += ",\"time_stamp\":\"") += model::utc_text(event.at_us) + '"';
  out += "}\n";
}

} // namespace footfall::app
