#include "app/mask_passwords.hpp"

#include <algorithm>
#include <cctype>

namespace footfall::app {
namespace {

constexpr std::string_view mask = "***";

/// "scheme://user:password@host": the password ends at the last "@" before the host
/// does, because people forget to write it as %40.
void mask_urls(std::string& text) {
  for (size_t at = 0; (at = text.find("://", at)) != std::string::npos;) {
    at += 3;
    auto end = std::min(text.find_first_of(" \t\"'", at), text.size());
    auto host = text.rfind('@', end);
    auto colon = text.find(':', at);
    if (host == std::string::npos || host < at || host >= end || colon >= host)
      continue;
    text.replace(colon + 1, host - colon - 1, mask);
    at = colon + 1 + mask.size();
  }
}

/// Where a value that starts at `at` ends: quoted as libpq has it, or up to a space
/// or the next parameter of a URL.
size_t end_of_value(std::string_view text, size_t at) {
  if (at < text.size() && text[at] == '\'') {
    for (++at; at < text.size() && text[at] != '\''; ++at)
      if (text[at] == '\\')
        ++at;
    return std::min(at + 1, text.size());
  }
  return std::min(text.find_first_of(" \t&", at), text.size());
}

/// "password = value" of a libpq text, a URL's query or a log line; also sslpassword.
void mask_parameters(std::string& text) {
  constexpr std::string_view word = "password";
  auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  auto begin = text.begin();
  while (true) {
    auto found = std::search(begin, text.end(), word.begin(), word.end(), same);
    if (found == text.end())
      return;
    auto at = static_cast<size_t>(found - text.begin()) + word.size();
    auto equals = text.find_first_not_of(" \t", at);
    if (equals != std::string::npos && text[equals] == '=') {
      at = std::min(text.find_first_not_of(" \t", equals + 1), text.size());
      text.replace(at, end_of_value(text, at) - at, mask);
      at += mask.size();
    }
    begin = text.begin() + static_cast<std::ptrdiff_t>(std::min(at, text.size()));
  }
}

} // namespace

std::string mask_passwords(std::string_view text) {
  std::string masked{text};
  mask_urls(masked);
  mask_parameters(masked);
  return masked;
}

} // namespace footfall::app
