#include "net/http/query_string.hpp"

#include <algorithm>
#include <charconv>

#include "actors/model/time_text.hpp"

namespace footfall::http {

namespace {

int nibble(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/// The name of a parameter, if it may stand in a text.
std::string shown(const std::string& name) {
  const auto plain = [](char c) { return c > ' ' && c < 0x7f; };
  if (name.empty() || name.size() > 40 || !std::all_of(name.begin(), name.end(), plain))
    return "a query parameter";
  return "the query parameter " + name;
}

/// The rest of an address that was not encoded reads as parameters of ours.
constexpr const char* hint = "; an address that is a value is sent percent-encoded (& as %26)";

} // namespace

bool decode_percent(std::string_view text, std::string& out) {
  out.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%') {
      if (i + 2 >= text.size())
        return false;
      const int high = nibble(text[i + 1]);
      const int low = nibble(text[i + 2]);
      if (high < 0 || low < 0)
        return false;
      out += static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return true;
}

std::string query_params::parse(std::string_view query, std::string_view many) {
  pairs_.clear();
  while (!query.empty()) {
    const auto part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    if (part.empty())
      continue;
    const auto equals = part.find('=');
    std::pair<std::string, std::string> pair;
    const auto value = equals == std::string_view::npos ? "" : part.substr(equals + 1);
    if (!decode_percent(part.substr(0, equals), pair.first) || !decode_percent(value, pair.second))
      return "the query string holds a % that is not followed by two hexadecimal digits; write "
             "a percent sign as %25";
    if (pair.first != many && find(pair.first))
      return shown(pair.first) + " appears twice; send each one once"
             + (find("page_url") ? hint : "");
    pairs_.push_back(std::move(pair));
  }
  return {};
}

const std::string* query_params::find(std::string_view name) const {
  for (const auto& pair : pairs_)
    if (pair.first == name)
      return &pair.second;
  return nullptr;
}

void query_params::add(std::string_view name, std::string value) {
  pairs_.emplace_back(name, std::move(value));
}

void query_params::set(std::string_view name, std::string value) {
  for (auto& [known, old] : pairs_)
    if (known == name) {
      old = std::move(value);
      return;
    }
  add(name, std::move(value));
}

std::string query_params::text() const {
  std::string out;
  for (const auto& [name, value] : pairs_)
    out += name + '=' + value + '\n';
  return out;
}

std::vector<std::string> query_params::find_all(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& pair : pairs_)
    if (pair.first == name)
      out.push_back(pair.second);
  return out;
}

std::string query_params::check_names(std::initializer_list<std::string_view> names) const {
  for (const auto& pair : pairs_)
    if (std::find(names.begin(), names.end(), pair.first) == names.end()) {
      std::string known;
      for (auto name : names)
        known += (known.empty() ? "" : ", ") + std::string(name);
      return shown(pair.first) + " is unknown here; known are " + known
             + (find("page_url") ? hint : "");
    }
  return {};
}

std::string read_limit(const query_params& params, uint32_t& out) {
  const auto* text = params.find("limit");
  if (!text)
    return {};
  const auto* end = text->data() + text->size();
  const auto read = std::from_chars(text->data(), end, out);
  if (read.ec != std::errc{} || read.ptr != end)
    return "limit is not a plain number; give one from 1 to 1000";
  return {};
}

std::string read_time(const query_params& params, std::string_view name, int64_t& out) {
  const auto* text = params.find(name);
  if (!text)
    return {};
  model::time_parts parts;
  if (!model::parse_rfc3339(*text, parts))
    return std::string(name)
           + " is not an RFC 3339 time; write it as 2025-11-05T20:00:00Z (a plus sign as %2B)";
  out = parts.at_us;
  return {};
}

} // namespace footfall::http
