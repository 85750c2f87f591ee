#include "actors/tend/membership.hpp"

#include <algorithm>

#include "actors/port_answers.hpp"
#include "actors/tend/membership_access.hpp"
#include "actors/tend/membership_greetings.hpp"
#include "actors/tend/membership_news.hpp"
#include "actors/tend/membership_peers.hpp"
#include "actors/tend/membership_routes.hpp"
#include "actors/tend/membership_seeds.hpp"
#include "proto/seeded_bug.hpp"

namespace footfall {

namespace {

using namespace membership_peers;

constexpr auto tick_period = std::chrono::milliseconds(100);
constexpr size_t strangers_most = 64;

void go_on(membership_ptr self) {
  auto& st = self->state;
  const auto at = now(self);
  report(self, st.refusals.heed({}, at));
  const bool may_dial = membership_seeds::go_on(self);
  for (auto& [name, x] : st.peers) {
    if (x.at == phase::linked)
      report(self, x.trouble.heed({}, at));
    if (x.at == phase::linked || x.due_us > at)
      continue;
    if (x.at != phase::apart)
      part(self, x, "it does not answer at " + x.row.address);
    else if (may_dial && x.listed && !x.is_gateway && dials(st, name)) {
      st.seed_is_next = true; // If nobody can be linked.
      dial(self, name, x);
    }
  }
}

// What peers were told of this node has changed. Who is being greeted hears of it behind the
// welcome: of two greetings of a stranger the first might be looked at last.
void greet_all(membership_ptr self) {
  auto& st = self->state;
  ++st.greeting;
  for (auto& [name, x] : st.peers)
    if (x.at == phase::linked)
      greet(self, name, x);
}

void take_beat(membership_ptr self, const owner_id& me, const beat_answer& seen) {
  auto& st = self->state;
  const bool is_news = st.me != me;
  st.me = me;
  if (is_news) // OWNERSHIP has begun again.
    greet_all(self);
  for (auto& [name, x] : st.peers)
    x.listed = false;
  for (const auto& row : seen.nodes) {
    if (row.id.node == me.node)
      continue;
    auto& x = find_or_add(st, row.id.node);
    const bool is_back = x.row.seen != sight::live && row.seen == sight::live;
    if (x.row.id != row.id || x.row.address != row.address || is_back) { // It is tried at once.
      x.backoff_us = 0;
      x.due_us = x.at == phase::apart ? 0 : x.due_us;
    }
    x.row = row;
    x.listed = true;
    if (x.at == phase::linked && x.hello.node.incarnation < row.id.incarnation)
      part(self, x, "a later process has its name");
    else if (x.at == phase::linked && x.is_gateway && row.seen == sight::live)
      part(self, x, "a node with a database has its name");
    if (x.at != phase::linked && row.seen == sight::live)
      x.is_gateway = false; // If it was one, it is this node now.
  }
  std::erase_if(st.peers,
                [](const auto& x) { return !x.second.listed && x.second.at == phase::apart; });
  st.owners.take(seen.partitions, now(self));
  go_on(self);
  publish(self);
}

void take_own_beat(membership_ptr self, const owner_id& me, beat_answer& seen) {
  take_beat(self, me, seen);
  self->state.seen = std::move(seen);
  membership_news::tell(self);
}

void take_news(membership_ptr self, cluster_news& x) {
  if (const auto* seen = membership_news::take(self, x))
    take_beat(self, self->state.me, *seen);
}

void tell_all(membership_ptr self, const partition_owner& x) {
  for (const auto& [name, peer] : self->state.peers)
    if (peer.at == phase::linked)
      self->send(handle_of(peer.hello.membership), atom::owns_v, x);
}

void take_way(membership_ptr self, uint64_t number, peer_way& way) {
  auto& st = self->state;
  if (membership_seeds::take_way(self, number, way))
    return;
  auto* found = find_by_number(st, number);
  if (!found)
    return st.config.links->cut(way.link);
  auto& [name, x] = *found;
  x.at = phase::greeting;
  x.due_us = now(self) + greeting_patience_us;
  x.link = way.link;
  x.hello.membership = way.membership;
  self->monitor(caf::actor_cast<caf::actor>(way.membership));
  greet(self, name, x);
}

void refuse(membership_ptr self, const caf::strong_actor_ptr& from, const std::string& why) {
  report(self, self->state.refusals.heed(cleaned(why), now(self)));
  if (from)
    self->send(handle_of(from), atom::refused_v, why);
}

// It is known who has sent it, or it comes over a link that is there.
void accept(membership_ptr self, peer_hello hello, uint64_t link) {
  auto& st = self->state;
  const auto name = hello.node.node;
  auto& x = find_or_add(st, name);
  const bool is_of_kind = x.is_gateway == hello.log.empty(); // Others' numbers are of other kinds.
  if (x.at == phase::linked && is_of_kind && hello.node.incarnation < x.hello.node.incarnation)
    return refuse(self, hello.membership, "a later process is called " + name);
  if (x.hello.membership != hello.membership) {
    membership_access::lost(self, name);
    x.access = {};
    if (x.hello.membership)
      self->demonitor(caf::actor_cast<caf::actor_addr>(x.hello.membership));
    self->monitor(caf::actor_cast<caf::actor>(hello.membership));
    // Of two links the greetings may come in the wrong order: who has the other one dials again.
    if (x.link != 0 && x.link != link)
      st.config.links->cut(x.link);
  }
  x.link = link;
  link_up(self, x, std::move(hello));
  greet(self, name, x);
  membership_news::tell(self, x);
  publish(self);
}

void take_hello(membership_ptr self, peer_hello& hello) {
  auto& st = self->state;
  const auto from = self->current_sender();
  if (!from || from != hello.membership || !is_sound(hello))
    return; // It is not what it says.
  if (st.me.nobody())
    return refuse(self, from, "this node has not joined the cluster yet; greet it again");
  if (auto why = fault_of(st, hello); !why.empty())
    return refuse(self, from, why);
  if (!st.config.has_store)
    return refuse(self, from,
                  "node " + st.me.node
                      + " has no database, and dials by itself; --cluster-seeds is to "
                        "name nodes that have one");
  const auto known = st.peers.find(hello.node.node);
  const bool is_gateway = hello.log.empty();
  if (is_gateway && !st.config.status->has_progress)
    return refuse(self, from, "this node has not read the store yet; greet it again");
  if (!is_gateway && dials(st, hello.node.node))
    return refuse(self, from, "node " + st.me.node + " dials by itself, as its name comes first");
  if (known != st.peers.end() && known->second.hello.membership == from)
    return accept(self, std::move(hello), known->second.link);
  if (st.strangers.size() >= strangers_most)
    return refuse(self, from, "too many nodes greet at once; greet it again");
  const auto number = st.next_number++;
  st.strangers[number] = {std::move(hello), from};
  st.config.links->identify(from, to_me<peer_way>(self, atom::known_v, number));
}

void take_known(membership_ptr self, uint64_t number, const peer_way& way) {
  auto& st = self->state;
  const auto at = st.strangers.find(number);
  if (at == st.strangers.end())
    return;
  auto x = std::move(at->second);
  st.strangers.erase(at);
  if (!way.may_be(x.hello.node.node))
    return refuse(self, x.from,
                  "its certificate is not for the name " + x.hello.node.node
                      + "; make one with footfall certs, or give --node-name one that it has");
  accept(self, std::move(x.hello), way.link);
}

void take_welcome(membership_ptr self, peer_hello& hello) {
  auto& st = self->state;
  const auto from = self->current_sender();
  if (!from || from != hello.membership || !is_sound(hello)
      || membership_seeds::take_welcome(self, from, hello))
    return;
  auto* found = find_by_actor(st, caf::actor_cast<caf::actor_addr>(from));
  if (!found)
    return;
  auto& [name, x] = *found;
  auto why = fault_of(st, hello);
  if (why.empty() && hello.node.node != name)
    why = "the one at " + x.row.address + " calls itself " + hello.node.node;
  if (!why.empty())
    return refused(self, x, why);
  link_up(self, x, std::move(hello));
  if (x.told != st.greeting)
    greet(self, name, x);
  publish(self);
}

void take_refusal(membership_ptr self, const std::string& why) {
  if (membership_seeds::take_refusal(self, self->current_sender(), why))
    return;
  auto* found =
      find_by_actor(self->state, caf::actor_cast<caf::actor_addr>(self->current_sender()));
  if (!found)
    return;
  refused(self, found->second, why);
}

void take_failure(membership_ptr self, uint64_t number, const caf::error& why) {
  auto& st = self->state;
  if (membership_seeds::take_failure(self, number, why))
    return;
  if (auto* found = find_by_number(st, number)) {
    part(self, found->second, text_of(why));
    show(self);
  } else if (const auto at = st.strangers.find(number); at != st.strangers.end()) {
    refuse(self, at->second.from, "it is not known whose link this is: " + text_of(why));
    st.strangers.erase(at);
  }
}

void take_down(membership_ptr self, const caf::down_msg& x) {
  auto& st = self->state;
  if (membership_seeds::take_down(self, x))
    return;
  auto* found = find_by_actor(st, x.source);
  if (!found)
    return;
  auto& [name, peer] = *found;
  const bool was_linked = peer.at == phase::linked;
  part(self, peer, "it was lost (" + text_of(x.reason) + ")");
  if (was_linked)
    if (auto to = caf::actor_cast<ownership_actor>(st.nodes.ownership))
      self->send(to, atom::down_v, name);
  publish(self);
}

// Peers tell of what they took or gave away themselves, and of nothing else.
void take_owns(membership_ptr self, const partition_owner& x) {
  auto& st = self->state;
  const auto* from = find_by_actor(st, caf::actor_cast<caf::actor_addr>(self->current_sender()));
  if (!from || from->second.at != phase::linked || x.partition >= st.owners.size()
      || (!x.owner.nobody() && x.owner != from->second.hello.node) || !st.owners.tell(x, now(self)))
    return;
  if (auto to = caf::actor_cast<ownership_actor>(st.nodes.ownership); to && x.owner.nobody())
    self->send(to, atom::look_v);
  publish(self);
}

void rewire(membership_ptr self, wiring& nodes) {
  auto& st = self->state;
  const auto before = std::exchange(st.nodes, std::move(nodes));
  const auto& now = st.nodes;
  if (before.gateway != now.gateway || before.inspector != now.inspector
      || before.query != now.query)
    st.routes = {};
  if ((before.query != now.query && !seeded_bug("nodes-keeps-old-query"))
      || before.ingestion != now.ingestion || before.inspector != now.inspector)
    greet_all(self);
  publish(self);
}

membership_state::seed seed_at(const std::string& address) {
  membership_state::seed out;
  out.address = address;
  model::trouble_report::pace pace;
  pace.patience = std::chrono::seconds{2}; // Another one may lead to them sooner.
  out.trouble = model::trouble_report{"the seed " + address, pace};
  return out;
}

std::vector<state_field> describe(const membership_state& st) {
  std::vector<state_field> out;
  for (const auto& [name, x] : st.peers)
    out.push_back({name, x.at == phase::linked     ? "\"linked\""
                         : x.at == phase::apart    ? "\"apart\""
                         : x.at == phase::greeting ? "\"greeting\""
                                                   : "\"dialling\""});
  return out;
}

} // namespace

membership_actor::behavior_type membership(membership_ptr self, membership_config config) {
  auto& st = self->state;
  st.config = std::move(config);
  st.me = st.config.me;
  for (const auto& address : st.config.seeds)
    if (address != st.config.address)
      st.seeds.push_back(seed_at(address));
  if (!st.config.has_store)
    membership_news::show(self);
  st.config.links->begin(caf::actor_cast<caf::strong_actor_ptr>(self));
  self->set_down_handler([self](caf::down_msg& x) { take_down(self, x); });
  self->entry()->set_state("running");
  self->delayed_send(self, tick_period, atom::tick_v);
  return {
      [self](atom::beat, const owner_id& me, beat_answer& x) { take_own_beat(self, me, x); },
      [self](atom::own, const partition_owner& x) {
        if (!self->state.owners.tell(x, now(self)))
          return;
        tell_all(self, x);
        publish(self);
      },
      [self](atom::linked, uint64_t number, peer_way& x) { take_way(self, number, x); },
      [self](atom::known, uint64_t number, const peer_way& x) { take_known(self, number, x); },
      [self](atom::failed, uint64_t number, const caf::error& x) { take_failure(self, number, x); },
      [self](atom::hello, peer_hello& x) { take_hello(self, x); },
      [self](atom::welcome, peer_hello& x) { take_welcome(self, x); },
      [self](atom::refused, const std::string& why) { take_refusal(self, why); },
      [self](atom::news, cluster_news& x) { take_news(self, x); },
      [self](atom::access, access_part& x) { membership_access::take(self, x); },
      [self](atom::access, const access_part_taken& x) { membership_access::go_on(self, x); },
      [self](atom::access, const access_revoked& x) { membership_access::take_revoked(self, x); },
      [self](atom::access, access_call& x) { membership_access::pass_on(self, x); },
      [self](atom::access, access_told& x) { membership_access::take_answer(self, x); },
      [self](atom::ask, access_call& x) { membership_access::ask(self, x); },
      [self](atom::told, access_told& x) { membership_access::answer(self, x); },
      [self](atom::owns, const partition_owner& x) { take_owns(self, x); },
      [self](atom::tick) {
        go_on(self);
        membership_access::expire(self);
        membership_access::tell_revoked(self);
        self->delayed_send(self, tick_period, atom::tick_v);
      },
      [self](atom::wire, wiring& x) { rewire(self, x); },
      [self](atom::describe) { return describe(self->state); },
  };
}

} // namespace footfall
