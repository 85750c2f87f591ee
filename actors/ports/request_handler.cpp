#include "actors/ports/request_handler.hpp"

#include <algorithm>

namespace footfall {

std::vector<std::pair<std::string, std::string>>
node_health::faults_of(const std::string& role) const {
  std::vector<std::pair<std::string, std::string>> out;
  if (std::none_of(roles.begin(), roles.end(), [&](const auto& x) { return x.first == role; }))
    out.emplace_back(role, "this node does not have the role (--roles)");
  for (const auto& x : roles)
    if (x.second != "ok" && (x.first == role || x.first == "gateway" || x.first == "node"))
      out.push_back(x);
  return out;
}

} // namespace footfall
