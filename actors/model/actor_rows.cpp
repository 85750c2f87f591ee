#include "actors/model/actor_rows.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace footfall::model {

namespace {

bool matches(const actor_row& row, const actors_ask& ask) {
  return (ask.name.empty() || row.name == ask.name)
         && (ask.key.empty() || row.key.find(ask.key) != std::string::npos);
}

uint64_t value_of(const actor_row& row, actor_order order) {
  switch (order) {
  case actor_order::mailbox: return row.mailbox;
  case actor_order::processed: return row.processed;
  case actor_order::rate: return row.rate_milli;
  case actor_order::restarts: return row.restarts;
  case actor_order::name: break;
  }
  return 0;
}

void add_those_above(std::vector<actor_row>& to, const std::vector<actor_row>& all) {
  std::map<std::pair<std::string, uint64_t>, const actor_row*> by_id;
  for (const auto& row : all)
    by_id.emplace(std::pair{row.node, row.id}, &row);
  std::set<std::pair<std::string, uint64_t>> there;
  for (const auto& row : to)
    there.emplace(row.node, row.id);
  for (size_t i = 0; i < to.size(); ++i) {
    const auto above = by_id.find({to[i].node, to[i].parent});
    if (above != by_id.end() && there.insert(above->first).second)
      to.push_back(*above->second);
  }
}

} // namespace

std::vector<actor_row> choose_actors(const std::vector<actor_row>& all, const actors_ask& ask,
                                     uint64_t& total) {
  std::vector<actor_row> out;
  std::copy_if(all.begin(), all.end(), std::back_inserter(out),
               [&](const actor_row& row) { return matches(row, ask); });
  std::stable_sort(out.begin(), out.end(), [&](const actor_row& a, const actor_row& b) {
    const auto x = value_of(a, ask.order);
    const auto y = value_of(b, ask.order);
    return x != y ? x > y
                  : std::tie(a.name, a.key, a.node, a.id) < std::tie(b.name, b.key, b.node, b.id);
  });
  total += out.size();
  out.resize(std::min<size_t>(out.size(), ask.limit));
  if (ask.tree)
    add_those_above(out, all);
  return out;
}

} // namespace footfall::model
