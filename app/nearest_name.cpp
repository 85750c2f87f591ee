#include "app/nearest_name.hpp"

#include <algorithm>

namespace footfall::app {
namespace {

/// Letters to insert, drop, replace or swap with a neighbour (optimal string alignment).
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before, last(b.size() + 1), now(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before = last;
    last = now;
  }
  return last[b.size()];
}

} // namespace

std::string nearest_name(std::string_view text, const std::vector<std::string>& names) {
  constexpr size_t longest = 64; // Nobody's name is longer; the work is its square.
  std::string best;
  size_t least = text.size() / 3 + 1;
  if (text.size() > longest)
    return best;
  for (const auto& name : names)
    if (auto far = distance(text, name); far < least) {
      least = far;
      best = name;
    }
  return best;
}

} // namespace footfall::app
