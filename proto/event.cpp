#include "proto/event.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

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

std::string summary(const std::vector<event_result>& results) {
  size_t accepted = 0, rejected = 0;
  auto why = errc::none;
  std::map<uint32_t, int64_t> last;
  for (const auto& x : results) {
    accepted += x.status == outcome::accepted;
    rejected += x.status == outcome::rejected;
    if (x.status == outcome::accepted)
      last[x.pos.partition] = std::max(last[x.pos.partition], x.pos.offset);
    else if (why == errc::none)
      why = x.code;
  }
  auto out = std::to_string(results.size()) + (results.size() == 1 ? " event: " : " events: ");
  out += std::to_string(accepted) + " accepted";
  const char* before = " at ";
  for (const auto& [partition, offset] : last) {
    out += std::exchange(before, ",");
    out += to_string(position{partition, offset});
  }
  if (rejected > 0)
    out += ", " + std::to_string(rejected) + " rejected";
  if (const auto unknown = results.size() - accepted - rejected; unknown > 0)
    out += ", " + std::to_string(unknown) + " unknown";
  if (why != errc::none)
    out += std::string(" (") + to_string(why) + ")";
  return out;
}

} // namespace footfall
