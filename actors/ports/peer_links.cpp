#include "actors/ports/peer_links.hpp"

#include <algorithm>
#include <cctype>

namespace footfall {

bool peer_way::may_be(const std::string& node) const {
  if (!certified)
    return true;
  auto same = [&node](const std::string& name) {
    return std::equal(name.begin(), name.end(), node.begin(), node.end(),
                      [](unsigned char a, unsigned char b) { return a == std::tolower(b); });
  };
  return std::any_of(names.begin(), names.end(), same);
}

} // namespace footfall
