#include "actors/model/event_json.hpp"

#include <cassert>
#include <cstring>

#include <simdjson.h>

#include "actors/model/json_split.hpp"
#include "actors/model/time_text.hpp"

namespace footfall::model {

namespace dom = simdjson::dom;

namespace {

constexpr size_t depth_max = 16;
constexpr size_t keys_max = 64;
constexpr size_t first_capacity = 4096; ///< Parsers grow when a longer text comes.
constexpr const char* not_an_object = "the value is not a JSON object; send an object in braces";
constexpr const char* several_objects =
    "more than one object stands on one line; put each on a line of its own (curl -d drops the "
    "newlines of a file, --data-binary keeps them), or send an array";

enum class field : uint8_t { event_id, user_id, event_type, page_url, time_stamp, count };
constexpr size_t fields = static_cast<size_t>(field::count);
constexpr std::string_view names[fields] = {"event_id", "user_id", "event_type", "page_url",
                                            "time_stamp"};

/// As Go matches names: without regard to the case of letters.
bool same_name(std::string_view key, std::string_view lower) noexcept {
  if (key.size() != lower.size())
    return false;
  for (size_t i = 0; i < key.size(); ++i) {
    const char c = key[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != lower[i])
      return false;
  }
  return true;
}

size_t field_of(std::string_view key) noexcept {
  if (key.size() >= 7 && key.size() <= 10)
    for (size_t i = 0; i < fields; ++i)
      if (same_name(key, names[i]))
        return i;
  return fields;
}

/// Names that others give to what is called time_stamp here, or empty.
std::string_view misnamed_time(std::string_view key) noexcept {
  for (std::string_view name : {"timestamp", "time", "ts", "created_at"})
    if (same_name(key, name))
      return name;
  return {};
}

std::string text_of_error(simdjson::error_code code) {
  switch (code) {
  case simdjson::EMPTY: return "the body is empty; send a JSON object";
  case simdjson::DEPTH_ERROR: return "the JSON is nested deeper than 16; send flat objects";
  case simdjson::UTF8_ERROR: return "the text is not valid UTF-8; encode it as UTF-8";
  case simdjson::STRING_ERROR:
    return "a JSON string holds a bad escape or half a surrogate pair; escape it correctly";
  case simdjson::UNESCAPED_CHARS:
    return "a JSON string holds a raw control character; escape it as \\u00XX";
  case simdjson::UNCLOSED_STRING: return "a JSON string is not closed; send the whole text";
  case simdjson::NUMBER_ERROR:
    return "a JSON number is malformed or does not fit 64 bits; send it as a string";
  default: return "the text is not valid JSON; check commas, quotes and braces";
  }
}

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// Reads a string or null (which leaves `out` empty). Empty, or what was wrong.
std::string read_text(std::string_view name, dom::element value, std::string& out) {
  if (value.is_null())
    return {};
  std::string_view text;
  if (value.get_string().get(text))
    return std::string(name) + " is not a JSON string; put its value in quotes";
  if (text.find('\0') != std::string_view::npos)
    return std::string(name) + " contains U+0000; remove it";
  out.assign(text);
  return {};
}

std::string read_time(dom::element value, parsed_event& out) {
  if (value.is_null())
    return {};
  std::string_view text;
  time_parts parts;
  if (value.get_string().get(text) || !parse_rfc3339(text, parts))
    return "time_stamp is not an RFC 3339 time; send it as \"2025-11-05T20:00:00Z\"";
  if (parts.is_zero)
    return {};
  out.event.at_us = parts.at_us;
  out.time_text = go_time_text(parts);
  return {};
}

/// Gives each key of ours to `read`, which says what was wrong with its value, and each
/// other to `pass`.
template <class Read, class Pass>
std::string read_fields(dom::object object, Read read, Pass pass) {
  if (object.size() > keys_max)
    return "the object has more than 64 keys; leave out what is not needed";
  bool seen[fields] = {};
  for (auto [key, value] : object) {
    const size_t i = field_of(key);
    if (i == fields) {
      pass(key);
      continue;
    }
    if (seen[i])
      return std::string(names[i]) + " appears twice; send each key once";
    seen[i] = true;
    if (auto reason = read(static_cast<field>(i), value); !reason.empty())
      return reason;
  }
  return {};
}

void read_event(dom::element value, parsed_event& out) {
  dom::object object;
  if (value.get_object().get(object)) {
    out.syntax = true;
    out.reason = not_an_object;
    return;
  }
  auto& event = out.event;
  std::string_view other_time;
  auto read = [&](field name, dom::element x) -> std::string {
    switch (name) {
    case field::event_id: return read_text("event_id", x, event.event_id);
    case field::user_id: return read_text("user_id", x, event.user_id);
    case field::event_type: return read_text("event_type", x, event.event_type);
    case field::page_url: return read_text("page_url", x, event.page_url);
    default: return read_time(x, out);
    }
  };
  out.reason = read_fields(object, read, [&](std::string_view key) {
    if (other_time.empty())
      other_time = misnamed_time(key);
  });
  if (!other_time.empty() && event.at_us == unset_time)
    out.warning = std::string(other_time)
                  + " is not read: the event has the time of its arrival; name the field "
                    "time_stamp";
}

std::string too_many(size_t most) {
  return "the body holds more than " + std::to_string(most) + " events; send it in parts";
}

/// The non-empty lines of a text.
template <class Visit>
void for_each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = trim(text.substr(0, end));
    if (!line.empty() && !visit(line))
      return;
    if (end == std::string_view::npos)
      return;
    text.remove_prefix(end + 1);
  }
}

/// Lines of objects, even if some are broken: more than one line, and at least
/// one of them looks like a whole object.
bool looks_like_lines(std::string_view text) {
  size_t lines = 0;
  bool whole = false;
  for_each_line(text, [&](std::string_view line) {
    ++lines;
    whole = whole || (line.front() == '{' && line.back() == '}');
    return lines < 2 || !whole;
  });
  return lines > 1 && whole;
}

} // namespace

struct event_json_parser::impl {
  dom::parser one;  ///< For an object: depth_max levels.
  dom::parser many; ///< For an array of them: one more.
  std::vector<char> padded;

  impl() {
    // A document is refused once its depth reaches the limit.
    const auto first = one.allocate(first_capacity, depth_max + 1);
    const auto second = many.allocate(first_capacity, depth_max + 2);
    assert(!first && !second);
  }

  /// Our copy of `text`, which may be read beyond its end.
  std::string_view pad(std::string_view text) {
    if (padded.size() < text.size() + simdjson::SIMDJSON_PADDING)
      padded.resize(text.size() + simdjson::SIMDJSON_PADDING);
    std::memcpy(padded.data(), text.data(), text.size());
    std::memset(padded.data() + text.size(), 0, simdjson::SIMDJSON_PADDING);
    return {padded.data(), text.size()};
  }

  /// `text` lies in `padded`.
  static std::string parse(dom::parser& parser, std::string_view text, dom::element& out) {
    if (text.size() >= 3 && std::memcmp(text.data(), "\xEF\xBB\xBF", 3) == 0)
      return "the text begins with a byte order mark; send it without";
    auto code = parser.parse(text.data(), text.size(), false).get(out);
    return code ? text_of_error(code) : std::string{};
  }

  void event(std::string_view text, parsed_event& out) {
    dom::element root;
    out.reason = parse(one, text, root);
    out.syntax = !out.reason.empty();
    if (!out.syntax)
      return read_event(root, out);
    if (const auto end = end_of_container(text); end != std::string_view::npos)
      if (const auto rest = trim(text.substr(end)); !rest.empty() && rest.front() == '{')
        out.reason = several_objects;
  }

  std::string array(std::string_view text, size_t most, std::vector<parsed_event>& out) {
    dom::element root;
    if (auto reason = parse(many, text, root); !reason.empty())
      return one_by_one(text, most, std::move(reason), out);
    dom::array values;
    if (root.get_array().get(values))
      return not_an_object;
    if (values.size() == 0)
      return "the array is empty; send at least one event";
    if (values.size() > most)
      return too_many(most);
    out.reserve(values.size());
    for (auto value : values)
      read_event(value, out.emplace_back());
    return {};
  }

  /// An array in which something is wrong, judged as lines are: each element alone.
  std::string one_by_one(std::string_view text, size_t most, std::string reason,
                         std::vector<parsed_event>& out) {
    std::vector<std::string_view> parts;
    if (!split_array(text, most, parts))
      return reason;
    if (parts.size() > most)
      return too_many(most);
    for (auto part : parts)
      event(part, out.emplace_back());
    return {};
  }

  std::string lines(std::string_view text, size_t most, std::vector<parsed_event>& out) {
    bool fits = true;
    for_each_line(text, [&](std::string_view line) {
      fits = out.size() < most;
      if (fits)
        event(line, out.emplace_back());
      return fits;
    });
    return fits ? std::string{} : too_many(most);
  }
};

event_json_parser::event_json_parser() : impl_(std::make_unique<impl>()) {}
event_json_parser::~event_json_parser() = default;
event_json_parser::event_json_parser(event_json_parser&&) noexcept = default;
event_json_parser& event_json_parser::operator=(event_json_parser&&) noexcept = default;

parsed_event event_json_parser::parse_event(std::string_view text) {
  parsed_event out;
  impl_->event(impl_->pad(text), out);
  return out;
}

std::string event_json_parser::parse_batch(std::string_view text, size_t most,
                                           std::vector<parsed_event>& out) {
  out.clear();
  const auto body = trim(impl_->pad(text));
  if (body.empty())
    return text_of_error(simdjson::EMPTY);
  if (body.front() == '[')
    return impl_->array(body, most, out);
  // The first line alone tells objects on lines from one object over many lines.
  const auto first = trim(body.substr(0, body.find('\n')));
  parsed_event event;
  impl_->event(first, event);
  if (!event.syntax && first.size() == body.size()) {
    out.push_back(std::move(event));
    return {};
  }
  if (event.syntax) {
    parsed_event whole;
    impl_->event(body, whole);
    if (!whole.syntax) {
      out.push_back(std::move(whole));
      return {};
    }
    if (!looks_like_lines(body))
      return whole.reason;
  }
  auto reason = impl_->lines(body, most, out);
  if (!reason.empty())
    out.clear();
  return reason;
}

parsed_pair event_json_parser::parse_pair(std::string_view text) {
  parsed_pair out;
  dom::element root;
  out.reason = impl::parse(impl_->one, impl_->pad(text), root);
  if (!out.reason.empty())
    return out;
  dom::object object;
  if (root.get_object().get(object)) {
    out.reason = not_an_object;
    return out;
  }
  auto read = [&](field name, dom::element x) -> std::string {
    switch (name) {
    case field::user_id: return read_text("user_id", x, out.user_id);
    case field::page_url: return read_text("page_url", x, out.page_url);
    default: return {};
    }
  };
  out.reason = read_fields(object, read, [](std::string_view) {});
  return out;
}

} // namespace footfall::model
