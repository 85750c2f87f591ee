#include "actors/tend/membership_seeds.hpp"

#include <algorithm>

#include "actors/port_answers.hpp"
#include "actors/tend/membership_greetings.hpp"
#include "actors/tend/membership_peers.hpp"
#include "actors/tend/membership_routes.hpp"

namespace footfall::membership_seeds {

namespace {

using namespace membership_peers;
using seed = membership_state::seed;

seed* find(membership_state& st, const caf::actor_addr& who) {
  for (auto& x : st.seeds)
    if (x.way.membership && caf::actor_cast<caf::actor_addr>(x.way.membership) == who)
      return &x;
  return nullptr;
}

seed* find(membership_state& st, uint64_t number) {
  for (auto& x : st.seeds)
    if (x.at == phase::dialling && x.number == number)
      return &x;
  return nullptr;
}

/// Its way is another's now, or nobody's.
void leave(membership_ptr self, seed& x) {
  x.at = phase::apart;
  x.way = {};
  x.due_us = now(self) + x.backoff_us;
}

void fail(membership_ptr self, seed& x, const std::string& why, int64_t backoff_least_us) {
  if (x.way.membership)
    self->demonitor(caf::actor_cast<caf::actor_addr>(x.way.membership));
  if (x.way.link != 0)
    self->state.config.links->cut(x.way.link);
  x.backoff_us =
      std::max(std::clamp(x.backoff_us * 2, backoff_first_us, backoff_most_us), backoff_least_us);
  leave(self, x);
  x.why = why;
  report(self, x.trouble.heed(why, now(self)));
  show(self);
}

bool is_linked(const membership_state& st) {
  return std::any_of(st.peers.begin(), st.peers.end(),
                     [](const auto& x) { return x.second.at == phase::linked; });
}

bool is_apart(const membership_state& st) {
  return std::all_of(st.peers.begin(), st.peers.end(),
                     [](const auto& x) { return x.second.at == phase::apart; });
}

} // namespace

bool go_on(membership_ptr self) {
  auto& st = self->state;
  const auto at = now(self);
  for (auto& x : st.seeds)
    if (x.at != phase::apart && x.due_us <= at)
      fail(self, x, "it does not answer", 0);
  if (std::any_of(st.seeds.begin(), st.seeds.end(),
                  [](const seed& x) { return x.at != phase::apart; }))
    return false;
  // The one that waits the longest.
  const auto next =
      std::min_element(st.seeds.begin(), st.seeds.end(),
                       [](const seed& a, const seed& b) { return a.due_us < b.due_us; });
  if (next == st.seeds.end() || next->due_us > at || is_linked(st))
    return true;
  const bool has_others =
      std::any_of(st.peers.begin(), st.peers.end(), [](const auto& x) { return x.second.listed; });
  if (has_others && !st.seed_is_next)
    return true;
  if (!is_apart(st))
    return false;
  st.seed_is_next = false;
  next->at = phase::dialling;
  next->number = st.next_number++;
  next->due_us = at + dial_patience_us;
  st.config.links->dial(next->address, any_node,
                        to_me<peer_way>(self, atom::linked_v, next->number));
  return false;
}

bool take_way(membership_ptr self, uint64_t number, peer_way& way) {
  auto& st = self->state;
  auto* x = find(st, number);
  if (!x)
    return false;
  x->at = phase::greeting;
  x->due_us = now(self) + greeting_patience_us;
  x->way = way;
  x->told = st.greeting;
  self->monitor(caf::actor_cast<caf::actor>(way.membership));
  self->send(handle_of(way.membership), atom::hello_v, greeting_of(self));
  return true;
}

bool take_failure(membership_ptr self, uint64_t number, const caf::error& why) {
  auto* x = find(self->state, number);
  if (!x)
    return false;
  fail(self, *x, text_of(why), 0);
  return true;
}

bool take_welcome(membership_ptr self, const caf::strong_actor_ptr& from, peer_hello& hello) {
  auto& st = self->state;
  auto* x = find(st, caf::actor_cast<caf::actor_addr>(from));
  if (!x)
    return false;
  auto why = fault_of(st, hello);
  if (why.empty() && !x->way.may_be(hello.node.node))
    why = "the one at " + x->address + " calls itself " + hello.node.node
          + ", and its certificate is not for that name";
  if (!why.empty()) {
    fail(self, *x, why, backoff_of_late_us);
    return true;
  }
  if (st.cluster_log.empty()) // From now on.
    st.cluster_log = hello.log;
  auto& to = find_or_add(st, hello.node.node);
  if (to.row.address.empty())
    to.row.address = x->address;
  to.link = x->way.link;
  to.told = x->told;
  report(self, x->trouble.heed({}, now(self)));
  x->backoff_us = 0;
  x->why.clear();
  leave(self, *x);
  const auto name = hello.node.node;
  link_up(self, to, std::move(hello));
  if (to.told != st.greeting)
    greet(self, name, to);
  publish(self);
  return true;
}

bool take_refusal(membership_ptr self, const caf::strong_actor_ptr& from, const std::string& why) {
  auto* x = find(self->state, caf::actor_cast<caf::actor_addr>(from));
  if (x)
    fail(self, *x, cleaned(why), backoff_of_late_us);
  return x != nullptr;
}

bool take_down(membership_ptr self, const caf::down_msg& down) {
  auto* x = find(self->state, down.source);
  if (x)
    fail(self, *x, "it was lost (" + text_of(down.reason) + ")", 0);
  return x != nullptr;
}

} // namespace footfall::membership_seeds
