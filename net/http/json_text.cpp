#include "net/http/json_text.hpp"

#include <array>
#include <charconv>

#include "actors/model/time_text.hpp"
#include "actors/model/validate.hpp"

namespace footfall::http {

namespace {

constexpr char hex[] = "0123456789abcdef";

/// Bytes that are not copied as they are. 0xE2 may begin U+2028 or U+2029.
constexpr auto make_special() {
  std::array<bool, 256> out{};
  for (size_t i = 0; i < 0x20; ++i)
    out[i] = true;
  for (unsigned char c : {'"', '\\', '&', '<', '>'})
    out[c] = true;
  out[0xE2] = true;
  return out;
}
constexpr auto special = make_special();

void append_escape(std::string& out, unsigned char c) {
  switch (c) {
  case '"': out += "\\\""; return;
  case '\\': out += "\\\\"; return;
  case '\b': out += "\\b"; return;
  case '\f': out += "\\f"; return;
  case '\n': out += "\\n"; return;
  case '\r': out += "\\r"; return;
  case '\t': out += "\\t"; return;
  default:
    out += "\\u00";
    out += hex[c >> 4];
    out += hex[c & 15];
  }
}

bool is_line_separator(std::string_view text, size_t at) noexcept {
  return at + 2 < text.size() && text[at + 1] == '\x80'
         && (text[at + 2] == '\xA8' || text[at + 2] == '\xA9');
}

} // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  size_t plain = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (!special[c] || (c == 0xE2 && !is_line_separator(text, i)))
      continue;
    out.append(text, plain, i - plain);
    if (c == 0xE2) {
      out += text[i + 2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      append_escape(out, c);
    }
    plain = i + 1;
  }
  out.append(text, plain, text.size() - plain);
  out += '"';
}

void append_json_safe(std::string& out, std::string_view text) {
  if (model::is_storable_text(text)) {
    append_json_string(out, text);
    return;
  }
  std::string ascii;
  for (unsigned char c : text)
    if (c >= 0x80)
      ascii += "\xEF\xBF\xBD";
    else
      ascii += static_cast<char>(c);
  append_json_string(out, ascii);
}

void append_number(std::string& out, uint64_t value) {
  char text[20];
  auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, static_cast<size_t>(end - text));
}

void append_time(std::string& out, int64_t at_us) {
  out += '"';
  out += model::utc_text(at_us);
  out += '"';
}

void append_key(std::string& out, std::string_view name) {
  if (!out.empty() && out.back() != '{')
    out += ',';
  out += '"';
  out += name;
  out += "\":";
}

void append_member(std::string& out, std::string_view name, std::string_view text) {
  append_key(out, name);
  append_json_safe(out, text);
}

void append_member(std::string& out, std::string_view name, uint64_t value) {
  append_key(out, name);
  append_number(out, value);
}

void append_known(std::string& out, std::string_view name, int64_t value) {
  append_key(out, name);
  if (value < 0)
    out += "null";
  else
    append_number(out, static_cast<uint64_t>(value));
}

} // namespace footfall::http
