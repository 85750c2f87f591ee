#include "actors/tend/membership_peers.hpp"

#include <algorithm>

#include "actors/port_answers.hpp"
#include "actors/tend/membership_access.hpp"
#include "actors/tend/membership_greetings.hpp"
#include "actors/tend/membership_routes.hpp"

namespace footfall::membership_peers {

int64_t now(membership_ptr self) {
  return self->state.config.steady();
}

void report(membership_ptr self, const std::string& line) {
  if (const auto& to = self->state.config.report; to && !line.empty())
    to(line);
}

membership_actor handle_of(const caf::strong_actor_ptr& x) {
  return caf::actor_cast<membership_actor>(x);
}

bool dials(const membership_state& st, const std::string& other) {
  return !st.config.has_store || st.me.node < other;
}

peer& find_or_add(membership_state& st, const std::string& name) {
  const auto [at, is_new] = st.peers.try_emplace(name);
  if (is_new)
    at->second.trouble = model::trouble_report{"the link to node " + name};
  return at->second;
}

named* find_by_number(membership_state& st, uint64_t number) {
  for (auto& x : st.peers)
    if (x.second.at == phase::dialling && x.second.number == number)
      return &x;
  return nullptr;
}

named* find_by_actor(membership_state& st, const caf::actor_addr& who) {
  for (auto& x : st.peers)
    if (x.second.hello.membership
        && caf::actor_cast<caf::actor_addr>(x.second.hello.membership) == who)
      return &x;
  return nullptr;
}

void dial(membership_ptr self, const std::string& name, peer& x) {
  x.at = phase::dialling;
  x.number = self->state.next_number++;
  x.due_us = now(self) + dial_patience_us;
  self->state.config.links->dial(x.row.address, name,
                                 to_me<peer_way>(self, atom::linked_v, x.number));
}

void greet(membership_ptr self, const std::string& name, peer& x) {
  auto& st = self->state;
  x.told = st.greeting;
  const bool is_gateway = x.at == phase::linked && x.is_gateway;
  if (dials(st, name) && !is_gateway)
    self->send(handle_of(x.hello.membership), atom::hello_v, greeting_of(self));
  else
    self->send(handle_of(x.hello.membership), atom::welcome_v, greeting_of(self));
}

void link_up(membership_ptr self, peer& x, peer_hello hello) {
  if (x.at != phase::linked)
    x.since_us = now(self);
  x.at = phase::linked;
  x.backoff_us = 0;
  x.hello = std::move(hello);
  x.is_gateway = x.hello.log.empty();
  x.why.clear();
}

void part(membership_ptr self, peer& x, std::string why) {
  auto& st = self->state;
  if (x.hello.membership)
    self->demonitor(caf::actor_cast<caf::actor_addr>(x.hello.membership));
  if (x.link != 0)
    st.config.links->cut(x.link);
  if (x.at == phase::linked)
    x.since_us = now(self);
  const auto most = x.row.seen == sight::live ? backoff_most_us : backoff_of_late_us;
  x.backoff_us = std::clamp(x.backoff_us * 2, backoff_first_us, most);
  x.at = phase::apart;
  x.due_us = now(self) + x.backoff_us;
  x.link = 0;
  membership_access::lost(self, x.row.id.node.empty() ? x.hello.node.node : x.row.id.node);
  x.hello = {};
  x.access = {};
  report(self, x.trouble.heed(why, now(self)));
  x.why = std::move(why);
}

void refused(membership_ptr self, peer& x, const std::string& why) {
  part(self, x, cleaned(why));
  x.due_us = now(self) + backoff_of_late_us;
  publish(self);
}

} // namespace footfall::membership_peers
