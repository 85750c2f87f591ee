#include "actors/ports/leases.hpp"

namespace footfall {

bool has_role(std::string_view roles, std::string_view role) {
  while (true) {
    const auto end = roles.find(',');
    if (roles.substr(0, end) == role)
      return true;
    if (end == std::string_view::npos)
      return false;
    roles.remove_prefix(end + 1);
  }
}

void add_unclaimed(std::vector<partition_owner>& to, uint32_t count) {
  auto at = to.begin();
  for (uint32_t i = 0; i < count; ++i, ++at)
    if (at == to.end() || at->partition != i)
      at = to.insert(at, {i, {}, 0});
}

} // namespace footfall
