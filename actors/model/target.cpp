#include "actors/model/target.hpp"

#include <algorithm>
#include <cassert>
#include <map>

#include "proto/seeded_bug.hpp"

namespace footfall::model {
namespace {

/// A node that may own, while the shares are dealt out.
struct shareholder {
  std::string name;
  std::vector<size_t> has; ///< Places in the list of partitions.
  size_t share = 0;
};

std::vector<shareholder> shareholders(const std::vector<node_row>& nodes) {
  std::vector<shareholder> out;
  for (const auto& x : nodes)
    if (may_own(x))
      out.push_back({x.id.node, {}, 0});
  std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return a.name < b.name; });
  // The name is the key of a node's row.
  assert(
      std::adjacent_find(out.begin(), out.end(), [](auto& a, auto& b) { return a.name == b.name; })
      == out.end());
  return out;
}

/// Gives each partition to the one that has it. @returns those that are nobody's.
std::vector<size_t> keep(const std::vector<partition_row>& partitions,
                         std::vector<shareholder>& holders) {
  std::map<std::string, shareholder*> by_name;
  for (auto& x : holders)
    by_name[x.name] = &x;
  std::vector<size_t> rest;
  for (size_t i = 0; i < partitions.size(); ++i) {
    const auto found = by_name.find(partitions[i].owner.node);
    if (found == by_name.end() || seeded_bug("target-without-keep"))
      rest.push_back(i);
    else
      found->second->has.push_back(i);
  }
  return rest;
}

/// Floors and ceilings of partitions / nodes, the ceilings to who has most; by name among equals.
void deal_shares(size_t partitions, std::vector<shareholder>& holders) {
  std::stable_sort(holders.begin(), holders.end(),
                   [](auto& a, auto& b) { return a.has.size() > b.has.size(); });
  const size_t least = partitions / holders.size();
  const size_t larger = partitions % holders.size();
  for (size_t i = 0; i < holders.size(); ++i)
    holders[i].share = least + (i < larger ? 1 : 0);
}

} // namespace

uint64_t rendezvous_weight(const std::string& node, uint32_t partition) noexcept {
  uint64_t x = 0xcbf29ce484222325u;
  for (unsigned char c : node)
    x = (x ^ c) * 0x100000001b3u;
  x ^= partition * 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
  x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
  return x ^ x >> 33;
}

bool may_own(const node_row& x) noexcept {
  return x.seen == sight::live && x.aggregates && (!x.draining || seeded_bug("draining-gets-more"))
         && x.log != log_reach::lost;
}

std::vector<std::string> target(const std::vector<partition_row>& partitions,
                                const std::vector<node_row>& nodes) {
  assert(std::is_sorted(partitions.begin(), partitions.end(),
                        [](auto& a, auto& b) { return a.partition < b.partition; }));
  std::vector<std::string> out(partitions.size());
  auto holders = shareholders(nodes);
  if (holders.empty())
    return out;
  auto rest = keep(partitions, holders);
  deal_shares(partitions.size(), holders);
  const auto weight = [&](const shareholder& x, size_t i) {
    return rendezvous_weight(x.name, partitions[i].partition);
  };
  for (auto& x : holders) {
    std::sort(x.has.begin(), x.has.end(),
              [&](size_t a, size_t b) { return weight(x, a) > weight(x, b); });
    for (; x.has.size() > x.share; x.has.pop_back())
      rest.push_back(x.has.back());
  }
  std::sort(rest.begin(), rest.end());
  for (auto i : rest) {
    shareholder* best = nullptr;
    for (auto& x : holders)
      if (x.has.size() < x.share && (!best || weight(x, i) > weight(*best, i)))
        best = &x;
    assert(best); // The shares add up to all partitions.
    best->has.push_back(i);
  }
  for (const auto& x : holders)
    for (auto i : x.has)
      out[i] = x.name;
  return out;
}

} // namespace footfall::model
