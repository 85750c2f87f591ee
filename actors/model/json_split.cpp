#include "actors/model/json_split.hpp"

#include <algorithm>
#include <string>

namespace footfall::model {

namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::string_view blank = " \t\r\n";

/// Behind the string that begins at `at`, or npos.
size_t end_of_string(std::string_view text, size_t at) {
  while ((at = text.find_first_of("\\\"", at + 1)) != npos) {
    if (text[at] == '"')
      return at + 1;
    ++at; // What is escaped, a quote perhaps.
  }
  return npos;
}

/// Behind the value that begins at `at`, or npos.
size_t end_of_value(std::string_view text, size_t at) {
  if (text[at] == '{' || text[at] == '[') {
    const auto end = end_of_container(text.substr(at));
    return end == npos ? npos : at + end;
  }
  if (text[at] == '"')
    return end_of_string(text, at);
  return std::min(text.find_first_of(",]}\"[{ \t\r\n", at), text.size());
}

} // namespace

size_t end_of_container(std::string_view text) {
  std::string open;
  for (size_t at = text.find_first_of("{[\"}]"); at != npos;
       at = text.find_first_of("{[\"}]", at)) {
    const char c = text[at];
    if (c == '"') {
      at = end_of_string(text, at);
      if (at == npos)
        return npos;
      continue;
    }
    ++at;
    if (c == '{' || c == '[') {
      open += c == '{' ? '}' : ']';
      continue;
    }
    if (open.empty() || open.back() != c)
      return npos;
    open.pop_back();
    if (open.empty())
      return at;
  }
  return npos;
}

bool split_array(std::string_view text, size_t most, std::vector<std::string_view>& out) {
  out.clear();
  if (text.empty() || text.front() != '[')
    return false;
  for (size_t at = 1; out.size() <= most; ++at) {
    at = text.find_first_not_of(blank, at);
    if (at == npos || text[at] == ',' || text[at] == ']' || text[at] == '}')
      return false;
    const auto end = end_of_value(text, at);
    if (end == npos)
      return false;
    out.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(blank, end);
    if (at == npos || (text[at] != ',' && text[at] != ']'))
      return false;
    if (text[at] == ']')
      return text.find_first_not_of(blank, at + 1) == npos;
  }
  return true;
}

} // namespace footfall::model
