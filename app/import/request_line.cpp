#include "app/import/request_line.hpp"

#include <algorithm>
#include <array>

#include "actors/model/validate.hpp"

namespace footfall::app {

namespace {

constexpr auto npos = std::string_view::npos;

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// "HTTP/1.1", "HTTP/2"
bool is_version(std::string_view text) noexcept {
  if (text.substr(0, 5) != "HTTP/")
    return false;
  text.remove_prefix(5);
  return (text.size() == 1 && is_digit(text[0]))
         || (text.size() == 3 && is_digit(text[0]) && text[1] == '.' && is_digit(text[2]));
}

/// "https://host/path" as proxies are asked.
bool is_absolute(std::string_view target) noexcept {
  const auto colon = target.find("://");
  if (colon != 4 && colon != 5)
    return false;
  std::string scheme{target.substr(0, colon)};
  for (char& c : scheme)
    c = static_cast<char>(c | 0x20);
  return (scheme == "http" || scheme == "https") && target.size() > colon + 3;
}

bool ends_in_version(std::string_view text) noexcept {
  const auto space = text.rfind(' ');
  return space != npos && is_version(text.substr(space + 1));
}

/// The status follows a request, or the line ends.
bool status_follows(std::string_view rest) noexcept {
  return rest.empty()
         || (rest.size() >= 2 && rest[0] == ' ' && (is_digit(rest[1]) || rest[1] == '-'));
}

int nibble(char c) noexcept {
  if (is_digit(c))
    return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// What the escape that begins at `at` stands for; moves `at` to its last byte. -1: none.
int read_escape(std::string_view text, size_t& at) noexcept {
  if (at + 1 >= text.size())
    return -1;
  constexpr std::string_view names = "\"\\/tnrbfv";
  constexpr std::string_view bytes = "\"\\/\t\n\r\b\f\v";
  if (const auto i = names.find(text[at + 1]); i != npos) {
    ++at;
    return static_cast<unsigned char>(bytes[i]);
  }
  if (text[at + 1] != 'x' || at + 3 >= text.size())
    return -1;
  const int high = nibble(text[at + 2]), low = nibble(text[at + 3]);
  if (high < 0 || low < 0)
    return -1;
  at += 3;
  return high << 4 | low;
}

} // namespace

bool is_method(std::string_view text) noexcept {
  constexpr std::array<std::string_view, 9> all{"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  return std::find(all.begin(), all.end(), text) != all.end();
}

std::string parse_request(std::string_view text, request_line& out) {
  if (text.empty() || text == "-")
    return "no request: the connection ended before one came";
  const auto space = text.find(' ');
  out.method = text.substr(0, space);
  if (!is_method(out.method))
    return "the request has no method of HTTP (GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, "
           "TRACE)";
  out.target = space == npos ? std::string_view{} : text.substr(space + 1);
  if (ends_in_version(text) && text.rfind(' ') > space)
    out.target = text.substr(space + 1, text.rfind(' ') - space - 1);
  else if (is_version(out.target))
    out.target = {};
  else if (out.target.find(' ') != npos)
    return "the request does not end in a version like HTTP/1.1";
  return fault_of_target(out.method, out.target);
}

std::string fault_of_target(std::string_view method, std::string_view target) {
  if (target.find_first_not_of(' ') == npos)
    return "no request target";
  if (method == "CONNECT")
    return "CONNECT asks for a tunnel, not for a page";
  if (target == "*")
    return "the target * is the whole server, not a page";
  if (target.front() != '/' && !is_absolute(target))
    return "the request target is no page: it does not begin with /";
  return {};
}

size_t next_quote(std::string_view text, size_t from) noexcept {
  for (auto at = text.find('"', from); at != npos; at = text.find('"', at + 1)) {
    size_t escapes = 0;
    while (from + escapes < at && text[at - escapes - 1] == '\\')
      ++escapes;
    if (escapes % 2 == 0)
      return at;
  }
  return npos;
}

size_t end_of_request(std::string_view line, size_t from) noexcept {
  const auto first = next_quote(line, from);
  if (first == npos || ends_in_version(line.substr(from, first - from))
      || status_follows(line.substr(first + 1)))
    return first;
  // A server that does not escape quotes: the one behind the version closes.
  for (auto at = next_quote(line, first + 1); at != npos; at = next_quote(line, at + 1))
    if (ends_in_version(line.substr(from, at - from)) && status_follows(line.substr(at + 1)))
      return at;
  return first;
}

void unescape(std::string_view text, std::string& out) {
  out.assign(text);
  if (text.find('\\') == npos)
    return;
  out.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    const int byte = text[i] == '\\' ? read_escape(text, i) : -1;
    out += byte < 0 ? text[i] : static_cast<char>(byte);
  }
  const bool control = std::any_of(out.begin(), out.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (control || !model::is_storable_text(out))
    out.assign(text);
}

} // namespace footfall::app
