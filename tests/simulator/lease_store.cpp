#include "tests/simulator/lease_store.hpp"

#include <algorithm>

#include "proto/seeded_bug.hpp"

namespace footfall::simulator {

std::string text(const owner_id& x) {
  return x.nobody() ? "nobody" : x.node + "/" + std::to_string(x.incarnation);
}

lease_store::lease_store(world& here, uint32_t partitions, int64_t lease_us)
    : here_(here), lease_us_(lease_us), offset_us_(here.between(-7200 * s, 7200 * s)),
      drift_ppm_(here.between(-1000, 1000)), up_since_us_(clock() - 3600 * s),
      partitions_(partitions) {}

int64_t lease_store::clock() const noexcept {
  return here_.now() + offset_us_ + here_.now() / 1'000 * drift_ppm_ / 1'000;
}

void lease_store::crash() {
  is_up_ = false;
  ++lives_;
  hung_until_us_ = 0;
  sessions_.clear();
}

void lease_store::start() {
  is_up_ = true;
  up_since_us_ = clock();
}

uint64_t lease_store::open_session() {
  sessions_.insert(++sessions_opened_);
  return sessions_opened_;
}

model::sight lease_store::sight_of(const node& x) const {
  if (x.expires_at_us <= clock() && up_since_us_ + lease_us_ <= clock())
    return model::sight::late;
  if (x.seen_at_us > up_since_us_ && !has_session(x.session))
    return model::sight::gone;
  return model::sight::live;
}

model::beat_answer lease_store::beat(uint64_t session, const beat_text& x) {
  ++here_.counts.beats;
  model::beat_answer out;
  auto& row = nodes_[x.me.node];
  const auto before = std::pair{row.incarnation, row.beat};
  const bool is_later = before < std::pair{x.me.incarnation, x.number};
  out.renewed = seeded_bug("ends-by-its-own-beat") ? is_later : row.incarnation <= x.me.incarnation;
  if (is_later) {
    const auto from = seeded_bug("expiry-by-nodes-clock") ? x.wall_us : clock();
    const auto lease = lease_us_ - x.spent_us;
    row = {x.me.incarnation, x.number, clock(), from + lease, clock() + lease, session, x};
  }
  for (const auto& [name, node] : nodes_)
    out.nodes.push_back({{name, node.incarnation},
                         name == x.me.node ? model::sight::live : sight_of(node),
                         node.said.aggregates,
                         node.said.draining,
                         node.said.log,
                         node.beat,
                         {},
                         {},
                         {},
                         node.expires_at_us - clock()});
  for (uint32_t i = 0; i < partitions_.size(); ++i)
    out.partitions.push_back({i, partitions_[i].owner, partitions_[i].epoch});
  return out;
}

bool lease_store::may_take(const partition& row, const claim_text& x) const {
  if (seeded_bug("claims-blindly"))
    return true;
  const bool by_name = seeded_bug("claim-ignores-incarnation");
  const bool is_as_seen =
      by_name ? row.owner.node == x.seen.node : row.owner == x.seen && row.epoch == x.epoch;
  if (!is_as_seen)
    return false;
  const auto found = nodes_.find(row.owner.node);
  const auto owner = by_name ? x.seen : row.owner;
  if (found == nodes_.end() || found->second.incarnation != owner.incarnation
      || owner.node == x.me.node)
    return true;
  const bool is_gone = x.early && !has_session(found->second.session);
  return found->second.expires_at_us <= clock() || is_gone;
}

// By what the rules say, not by what the statement looked at.
void lease_store::check_taken(uint32_t number, const claim_text& x) const {
  const auto& owner = partitions_[number].owner;
  const auto found = nodes_.find(owner.node);
  if (owner == x.me || found == nodes_.end() || found->second.incarnation != owner.incarnation)
    return;
  if (found->second.true_end_us > clock() && has_session(found->second.session))
    here_.wrong(text(x.me) + " took partition " + std::to_string(number) + " from " + text(owner)
                + ", whose lease runs");
}

std::optional<claim_grant> lease_store::claim(const claim_text& x) {
  auto& row = partitions_[x.partition];
  if (!may_take(row, x))
    return {};
  check_taken(x.partition, x);
  ++here_.counts.claims;
  if (!row.last_node.empty() && row.last_node != x.me.node)
    ++here_.counts.moves;
  row.owner = x.me;
  row.last_node = x.me.node;
  ++row.epoch;
  return claim_grant{row.epoch, row.next};
}

void lease_store::release(uint32_t partition, const owner_id& me, int64_t epoch) {
  auto& row = partitions_[partition];
  if (row.owner != me || row.epoch != epoch)
    return;
  row.owner = {};
  ++row.epoch; // What the process still has under way moves nothing.
}

void lease_store::leave(const owner_id& me) {
  const auto found = nodes_.find(me.node);
  if (found != nodes_.end() && found->second.incarnation == me.incarnation)
    nodes_.erase(found);
}

bool lease_store::apply(uint32_t partition, int64_t epoch, int64_t from, int64_t count) {
  auto& row = partitions_[partition];
  if (row.next != from || (row.epoch != epoch && !seeded_bug("apply-without-epoch")))
    return false;
  ++here_.counts.applies;
  for (int64_t i = from; i < from + count; ++i)
    row.applied.push_back(i);
  row.next = from + count;
  row.commits.emplace_back(here_.now(), row.next);
  return true;
}

int64_t lease_store::committed_at(uint32_t partition, int64_t time_us) const {
  const auto& all = partitions_[partition].commits;
  for (auto x = all.rbegin(); x != all.rend(); ++x)
    if (x->first <= time_us)
      return x->second;
  return 0;
}

std::optional<int64_t> lease_store::over_since_us(const owner_id& x) const {
  const auto found = nodes_.find(x.node);
  if (found == nodes_.end() || found->second.incarnation != x.incarnation)
    return {};
  return clock() - found->second.true_end_us;
}

void lease_store::check_applied() const {
  for (size_t p = 0; p < partitions_.size(); ++p) {
    const auto& applied = partitions_[p].applied;
    for (size_t i = 0; i < applied.size(); ++i)
      if (applied[i] != static_cast<int64_t>(i))
        return here_.wrong("partition " + std::to_string(p) + " has record "
                           + std::to_string(applied[i]) + " in the place of " + std::to_string(i));
  }
}

} // namespace footfall::simulator
