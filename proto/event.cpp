#include "proto/event.hpp"

#include <charconv>

namespace footfall {

std::string to_string(const position& x) {
  return std::to_string(x.partition) + ':' + std::to_string(x.offset);
}

std::string to_string(const std::vector<position>& xs) {
  std::string out;
  for (const auto& x : xs) {
    if (x.offset < 0) // Of a partition that has nothing yet.
      continue;
    if (!out.empty())
      out += ',';
    out += to_string(x);
  }
  return out;
}

bool parse_positions(const std::string& text, std::vector<position>& out) {
  constexpr size_t most = 64;
  out.clear();
  const char* at = text.data();
  const char* end = at + text.size();
  while (true) {
    position x;
    auto part = std::from_chars(at, end, x.partition);
    if (part.ec != std::errc{} || part.ptr == end || *part.ptr != ':')
      return false;
    auto offset = std::from_chars(part.ptr + 1, end, x.offset);
    if (offset.ec != std::errc{} || x.offset < 0 || out.size() == most)
      return false;
    out.push_back(x);
    if (offset.ptr == end)
      return true;
    if (*offset.ptr != ',')
      return false;
    at = offset.ptr + 1;
  }
}

} // namespace footfall
