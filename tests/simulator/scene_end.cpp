#include "tests/simulator/scene.hpp"

#include <algorithm>

// What must hold when there were 30 s of peace.
namespace footfall::simulator {

void scene::check_end(const std::vector<int64_t>& reached) {
  check_processes();
  if (!here.is_wrong())
    check_owners();
  if (!here.is_wrong())
    store_.check_applied();
  if (!here.is_wrong())
    check_progress(reached);
}

void scene::check_progress(const std::vector<int64_t>& reached) {
  const bool can_anybody = std::any_of(processes_.begin(), processes_.end(), [](auto& x) {
    return x->is_up() && x->aggregates() && x->has_log();
  });
  const auto now = progress();
  for (uint32_t p = 0; p < now.size(); ++p)
    if (can_anybody && is_busy(p) && now[p] == reached[p])
      here.wrong("nothing of partition " + std::to_string(p) + " was applied in 10 s of peace");
}

void scene::check_processes() {
  for (const auto& x : processes_) {
    if (!x->is_up())
      continue;
    if (x->is_draining())
      here.wrong(x->label() + " was told to end and still runs");
    if (running(x->node()) != x)
      here.wrong(x->label() + " still runs although " + running(x->node())->label() + " does");
  }
}

void scene::check_owners() {
  std::map<std::string, size_t> shares;
  for (const auto& node : nodes_)
    if (const auto x = running(node); x && x->aggregates() && x->has_log())
      shares[node] = 0;
  for (uint32_t p = 0; p < store_.partitions(); ++p) {
    size_t owners = 0;
    for (const auto& x : processes_) {
      if (!x->is_up() || x->runs_with(p) != store_.epoch_of(p))
        continue;
      ++owners;
      if (shares.count(x->node()) == 0 && !shares.empty())
        here.wrong(x->label() + " has partition " + std::to_string(p)
                   + " although it should have none");
      else
        ++shares[x->node()];
    }
    if (owners != 1 && !shares.empty())
      here.wrong("partition " + std::to_string(p) + " has " + std::to_string(owners)
                 + " owners after 30 s of peace");
  }
  if (!here.is_wrong() && !shares.empty())
    check_shares(shares);
}

void scene::check_shares(const std::map<std::string, size_t>& shares) {
  const auto [least, most] = std::minmax_element(
      shares.begin(), shares.end(), [](auto& a, auto& b) { return a.second < b.second; });
  if (most->second > least->second + 1)
    here.wrong(most->first + " has " + std::to_string(most->second) + " partitions, " + least->first
               + " only " + std::to_string(least->second));
}

} // namespace footfall::simulator
