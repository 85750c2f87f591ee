#include "actors/tend/membership_news.hpp"

#include <algorithm>

#include "actors/tend/membership_access.hpp"
#include "actors/tend/membership_peers.hpp"

namespace footfall::membership_news {

namespace {

using namespace membership_peers;

/// So long the node that told last is the one that is believed: two of them may be a beat apart,
/// and an owner would come and go.
constexpr int64_t teller_silence_us = 3'000'000;
constexpr size_t nodes_most = 4'096;

bool is_sound(const cluster_news& x) {
  const auto& rows = x.seen.partitions;
  return x.homes <= model::owner_directory::most && rows.size() <= model::owner_directory::most
         && x.seen.nodes.size() <= nodes_most && x.next_offsets.size() <= partition_list::most
         && x.homes <= x.next_offsets.size()
         && std::all_of(rows.begin(), rows.end(), [](const auto& row) {
              return row.partition < model::owner_directory::most;
            });
}

} // namespace

void tell(membership_ptr self, membership_state::peer& x) {
  const auto& st = self->state;
  const auto& status = *st.config.status;
  if (!st.config.has_store || !x.is_gateway || x.at != phase::linked || !status.has_progress)
    return;
  cluster_news news{st.seen, status.homes(), {}};
  for (const auto& part : status.parts)
    news.next_offsets.push_back(part.next_offset);
  self->send(handle_of(x.hello.membership), atom::news_v, std::move(news));
  membership_access::tell(self, x);
}

void tell(membership_ptr self) {
  for (auto& [name, x] : self->state.peers)
    tell(self, x);
}

void show(membership_ptr self) {
  const auto& st = self->state;
  auto shown = st.seen;
  node_row me;
  me.id = st.me;
  me.aggregates = false;
  me.roles = st.config.roles;
  me.address = st.config.address;
  me.version = st.config.version;
  shown.nodes.push_back(std::move(me));
  st.config.status->set_cluster(st.me, shown);
}

const beat_answer* take(membership_ptr self, cluster_news& x) {
  auto& st = self->state;
  const auto* from = find_by_actor(st, caf::actor_cast<caf::actor_addr>(self->current_sender()));
  if (st.config.has_store || !from || from->second.at != phase::linked || !is_sound(x))
    return nullptr;
  const auto at = now(self);
  const auto& who = from->second.hello.node;
  const bool is_same = st.teller == who;
  if (!is_same && at - st.told_us < teller_silence_us) {
    const auto before = st.peers.find(st.teller.node);
    if (before != st.peers.end() && before->second.at == phase::linked
        && before->second.hello.node == st.teller)
      return nullptr;
  }
  st.teller = who;
  st.told_us = at;
  std::vector<partition_state> states;
  for (const auto next : x.next_offsets)
    states.push_back({static_cast<uint32_t>(states.size()), 0, next, 0});
  // What one process tells comes in order: lower offsets mean that the store went back. Another one
  // may only be a beat behind, at first.
  st.config.status->hear_of(states, x.homes, is_same, at);
  st.seen = std::move(x.seen);
  show(self);
  return &st.seen;
}

} // namespace footfall::membership_news
