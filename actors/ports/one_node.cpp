#include "actors/ports/one_node.hpp"

namespace footfall {

void one_node::join(done<int64_t> reply) {
  int64_t number = 0;
  {
    std::lock_guard guard{mutex_};
    number = ++joined_;
  }
  reply(number);
}

void one_node::beat(node_beat x, done<beat_answer> reply) {
  bool renewed = false;
  {
    std::lock_guard guard{mutex_};
    renewed = node_.node != x.me.node || node_.incarnation <= x.me.incarnation;
    if (renewed)
      node_ = x.me;
  }
  auto answer = [=, this, x = std::move(x)](caf::expected<std::vector<partition_state>> all) {
    if (!all)
      return reply(std::move(all.error()));
    beat_answer out;
    out.renewed = renewed;
    if (renewed)
      out.nodes.push_back(
          {x.me, sight::live, has_role(x.roles, "aggregate"), x.draining, x.log, x.number});
    {
      std::lock_guard guard{mutex_};
      for (const auto& row : *all)
        out.partitions.push_back({row.partition, owner_of(row.partition, row.epoch), row.epoch});
    }
    add_unclaimed(out.partitions, x.partitions);
    reply(std::move(out));
  };
  of_.progress(std::move(answer));
}

void one_node::release(uint32_t partition, owner_id me, int64_t epoch, done<bool> reply) {
  auto answer = [reply = std::move(reply)](caf::expected<partition_claim> x) {
    if (!x)
      return reply(std::move(x.error()));
    reply(x->granted);
  };
  of_.claim(lease_claim{partition, {}, std::move(me), epoch, false}, std::move(answer));
}

void one_node::mark_stopped(uint32_t partition, owner_id me, int64_t epoch, stop_kind, std::string,
                            done<bool> reply) {
  bool is_ours = false;
  {
    std::lock_guard guard{mutex_};
    is_ours = owner_of(partition, epoch) == me;
  }
  reply(is_ours);
}

void one_node::leave(owner_id me, done<bool> reply) {
  bool is_there = false;
  {
    std::lock_guard guard{mutex_};
    is_there = node_ == me;
    if (is_there)
      node_ = {};
  }
  reply(is_there);
}

owner_id one_node::owner_of(uint32_t partition, int64_t epoch) const {
  const auto found = owners_.find(partition);
  const bool is_known = found != owners_.end() && found->second.second == epoch;
  return is_known ? found->second.first : owner_id{};
}

bool one_node::may_claim(const lease_claim& x, int64_t epoch) const {
  std::lock_guard guard{mutex_};
  const bool is_replaced = x.me.node == node_.node && x.me.incarnation < node_.incarnation;
  return !is_replaced && x.epoch == epoch && x.owner == owner_of(x.partition, epoch);
}

void one_node::claimed(const lease_claim& x, int64_t epoch) {
  std::lock_guard guard{mutex_};
  owners_[x.partition] = {x.me, epoch};
}

} // namespace footfall
