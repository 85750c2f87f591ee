#include "app/import/client_field.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <arpa/inet.h>

namespace footfall::app {

namespace {

constexpr auto npos = std::string_view::npos;

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// Four numbers up to 255 without leading zeros.
bool is_ipv4(std::string_view text) noexcept {
  unsigned parts = 1, value = 0, digits = 0;
  for (char c : text) {
    if (c == '.') {
      if (digits == 0 || ++parts > 4)
        return false;
      value = digits = 0;
      continue;
    }
    if (!is_digit(c) || (digits > 0 && value == 0))
      return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (++digits > 3 || value > 255)
      return false;
  }
  return parts == 4 && digits > 0;
}

/// Perhaps with a zone, as in "fe80::1%eth0".
bool is_ipv6(std::string_view text) noexcept {
  text = text.substr(0, text.find('%'));
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size() || text.find(':') == npos)
    return false;
  std::copy(text.begin(), text.end(), copy.begin());
  in6_addr address;
  return inet_pton(AF_INET6, copy.data(), &address) == 1;
}

/// Labels of letters, digits, '-' and '_', 63 bytes at most. What ends in a number
/// would be an address, and is none.
bool is_name(std::string_view text) noexcept {
  if (!text.empty() && text.back() == '.')
    text.remove_suffix(1);
  if (text.empty() || text.size() > 253)
    return false;
  const auto last = text.substr(text.rfind('.') + 1);
  if (std::all_of(last.begin(), last.end(), is_digit))
    return false;
  size_t label = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool ends = c == '.' || i + 1 == text.size();
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (c == '.') {
      if (label == 0 || text[i - 1] == '-')
        return false;
      label = 0;
    } else if ((!letter && !is_digit(c) && c != '-') || (c == '-' && (label == 0 || ends))
               || ++label > 63) {
      return false;
    }
  }
  return true;
}

bool is_port(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), is_digit);
}

std::string_view trim(std::string_view text, const char* what) noexcept {
  const auto first = text.find_first_not_of(what);
  return first == npos ? std::string_view{}
                       : text.substr(first, text.find_last_not_of(what) - first + 1);
}

/// One address or name, perhaps with brackets and a port.
client_field read_one(std::string_view text) {
  client_field out;
  if (!text.empty() && text.front() == '[') {
    const auto close = text.find(']');
    if (close == npos || !is_ipv6(text.substr(1, close - 1)))
      return out;
    const auto rest = text.substr(close + 1);
    out.has_port = !rest.empty();
    if (out.has_port && (rest[0] != ':' || !is_port(rest.substr(1))))
      return {};
    out.text = text.substr(1, close - 1);
    out.shape = client_shape::address;
    return out;
  }
  out.text = text;
  if (const auto colon = text.find(':'); colon != npos && text.find(':', colon + 1) == npos) {
    if (!is_port(text.substr(colon + 1)))
      return {};
    out.text = text.substr(0, colon);
    out.has_port = true;
  }
  if (is_ipv4(out.text) || (!out.has_port && is_ipv6(out.text)))
    out.shape = client_shape::address;
  else if (is_name(out.text) && out.text != "unknown") // So proxies call whom they do not know.
    out.shape = client_shape::name;
  return out;
}

/// Cuts the next field off: a quoted text, or words that commas join.
std::string_view take_field(std::string_view& rest) {
  const auto begin = rest.find_first_not_of(' ');
  if (begin == npos)
    return rest = {};
  rest.remove_prefix(begin);
  size_t end = 0;
  if (rest.front() == '"') {
    end = rest.find('"', 1);
    end = end == npos ? rest.size() : end + 1;
  } else {
    end = std::min(rest.find(' '), rest.size());
    while (end < rest.size() && rest[end - 1] == ',')
      end = std::min(rest.find(' ', end + 1), rest.size());
  }
  const auto out = rest.substr(0, end);
  rest.remove_prefix(end);
  return out;
}

/// `VHOST:PORT CLIENT ...` or `VHOST CLIENT - -`.
bool is_virtual_host(const client_field& first, const client_field& second, size_t fields) {
  if (first.is_list || second.shape == client_shape::none)
    return false;
  if (second.shape == client_shape::address)
    return first.shape == client_shape::name || first.has_port;
  // Clients by name too: only a port, or the fields of a whole line behind it, tell.
  return fields >= 4
         && (first.has_port
             || (first.shape == client_shape::name && second.text.find('.') != npos));
}

} // namespace

client_field read_client(std::string_view text) {
  text = trim(text, " ");
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = trim(text.substr(1, text.size() - 2), " ");
  if (text.find(',') == npos)
    return read_one(text);
  // What a proxy wrote for a client that it does not know ("-", "unknown") is passed over.
  while (!text.empty()) {
    const auto comma = text.find(',');
    auto one = read_one(trim(text.substr(0, comma), " "));
    one.is_list = true;
    if (one.shape == client_shape::address)
      return one;
    text = comma == npos ? std::string_view{} : text.substr(comma + 1);
  }
  return {};
}

std::string find_client(std::string_view before_time, std::string_view& client) {
  if (before_time.empty() || before_time.front() == ' ')
    return "no client address at the start";
  auto rest = before_time;
  const auto first_text = take_field(rest);
  const auto first = read_client(first_text);
  if (first.shape == client_shape::none)
    return "no client address at the start: the first field is neither an address nor a host name";
  std::string_view second_text;
  size_t fields = 1;
  bool has_more = false; // An address behind the second field.
  for (auto next = take_field(rest); !next.empty(); next = take_field(rest))
    if (++fields == 2)
      second_text = next;
    else
      has_more = has_more || (next != "-" && read_client(next).shape == client_shape::address);
  const auto second = read_client(second_text);
  const bool is_behind_host = is_virtual_host(first, second, fields);
  client = is_behind_host ? second.text : first.text;
  if (has_more && (is_behind_host || first.shape == client_shape::name))
    return "a host stands first, and an address further on; which is the client's cannot be told";
  if (is_behind_host)
    return {};
  if (second.shape == client_shape::address)
    return "two addresses stand in front of the time; which is the client's cannot be told";
  if (first.shape == client_shape::name && first.has_port)
    return "the first field is a host with a port and no client address follows it";
  if (fields > 3 && second_text != "-")
    return "too many fields in front of the time; is the first one the client's address?";
  return {};
}

} // namespace footfall::app
