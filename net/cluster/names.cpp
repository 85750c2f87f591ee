#include "net/cluster/names.hpp"

#include <algorithm>
#include <string_view>

namespace footfall::cluster {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool fits(std::string_view name, std::string_view entry) {
  if (!entry.starts_with('.'))
    return !entry.empty() && equal(name, entry);
  return name.size() > entry.size() && equal(name.substr(name.size() - entry.size()), entry);
}

} // namespace

bool is_allowed(const std::vector<std::string>& names, const std::vector<std::string>& list) {
  if (list.empty())
    return true;
  for (const auto& name : names)
    for (const auto& entry : list)
      if (fits(name, entry))
        return true;
  return false;
}

} // namespace footfall::cluster
