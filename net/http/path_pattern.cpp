#include "net/http/path_pattern.hpp"

#include <algorithm>

namespace footfall::http {

namespace {

constexpr std::string_view patterns[] = {
    "/ingest",
    "/v1/events",
    "/v1/applied",
    "/analytics/events",
    "/v1/stats/count",
    "/v1/stats/page",
    "/v1/stats/top-pages",
    "/v1/stats/series",
    "/v1/stats/summary",
    "/v1/stats/active",
    "/v1/stats/users",
    "/v1/live",
    "/v1/system",
    "/v1/system/history",
    "/v1/system/audit",
    "/v1/system/actors",
    "/v1/system/actors/{id}",
    "/v1/system/actors/{node}/{id}",
    "/v1/system/cluster",
    "/v1/system/partitions",
    "/v1/session",
    "/v1/sites",
    "/v1/keys",
    "/v1/keys/{id}",
    "/v1/users",
    "/v1/users/{name}",
    "/v1/users/{name}/password",
};

/// Takes what stands before the next slash behind a first one.
std::string_view take_segment(std::string_view& text) {
  const auto end = std::min(text.find('/', 1), text.size());
  const auto out = text.substr(0, end);
  text.remove_prefix(end);
  return out;
}

bool fits(std::string_view path, std::string_view pattern) {
  while (!path.empty() && !pattern.empty()) {
    const auto here = take_segment(path), there = take_segment(pattern);
    if (here != there && (!there.starts_with("/{") || here.size() < 2))
      return false;
  }
  return path.empty() && pattern.empty();
}

} // namespace

std::string_view path_pattern(std::string_view path) {
  const auto* found = std::find_if(std::begin(patterns), std::end(patterns),
                                   [path](std::string_view x) { return fits(path, x); });
  return found == std::end(patterns) ? std::string_view{} : *found;
}

} // namespace footfall::http
