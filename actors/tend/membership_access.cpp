#include "actors/tend/membership_access.hpp"

#include <algorithm>

#include "actors/tend/membership_peers.hpp"

namespace footfall::membership_access {

namespace {

using namespace membership_peers;
using desk_call = membership_state::desk_call;

constexpr int64_t patience_us = 12'000'000; // The desk's own is shorter.
constexpr size_t calls_most = 512;

void say(membership_ptr self, uint64_t number, access_reply x) {
  if (const auto& to = self->state.config.access.answer)
    to({number, std::move(x)});
}

/// A linked node: the one that tells this one who is there, else any.
named* whom_to_ask(membership_state& st) {
  named* out = nullptr;
  for (auto& x : st.peers)
    if (x.second.at == phase::linked && (!out || x.first == st.teller.node))
      out = &x;
  return out;
}

void give_up(membership_ptr self, const desk_call& x, const char* why) {
  if (!x.from)
    say(self, x.number, access_refusal(errc::timeout, why));
}

} // namespace

void tell(membership_ptr self, membership_state::peer& x) {
  const auto& of = self->state.config.access;
  auto now = of.rows ? of.rows() : nullptr;
  if (!now || now == x.access_told)
    return;
  self->send(handle_of(x.hello.membership), atom::access_v, *now);
  x.access_told = std::move(now);
}

void take(membership_ptr self, access_rows& x) {
  auto& st = self->state;
  auto* from = find_by_actor(st, caf::actor_cast<caf::actor_addr>(self->current_sender()));
  if (st.config.has_store || !from || from->second.at != phase::linked || !st.config.access.take)
    return;
  from->second.access_revision = x.revision;
  // Who told it may not have read what another has: what was revoked stays so. If nobody has, the
  // store is another one.
  const auto known = st.access ? st.access->revision : 0;
  const bool is_newer = std::any_of(st.peers.begin(), st.peers.end(), [&](const auto& y) {
    return y.second.at == phase::linked && y.second.access_revision >= known;
  });
  if (x.revision < known && is_newer)
    return;
  st.access = std::make_shared<access_rows>(std::move(x));
  st.config.access.take(*st.access);
}

void ask(membership_ptr self, access_call& x) {
  auto& st = self->state;
  auto* to = whom_to_ask(st);
  if (!to)
    return say(
        self, x.number,
        access_refusal(errc::restarting, "there is no link to a node with a database; ask again"));
  if (st.desk_calls.size() >= calls_most)
    return say(self, x.number, access_refusal(errc::overloaded, "too much is asked; ask again"));
  const auto number = st.next_number++;
  st.desk_calls[number] = {to->first, nullptr, x.number, now(self) + patience_us};
  x.number = number;
  self->send(handle_of(to->second.hello.membership), atom::access_v, std::move(x));
}

void pass_on(membership_ptr self, access_call& x) {
  auto& st = self->state;
  const auto from = self->current_sender();
  const auto* peer = find_by_actor(st, caf::actor_cast<caf::actor_addr>(from));
  if (!peer || peer->second.at != phase::linked)
    return;
  auto refuse = [&](errc code, const char* why) {
    self->send(handle_of(from), atom::access_v, access_told{x.number, access_refusal(code, why)});
  };
  if (!st.config.access.desk)
    return refuse(errc::not_found, "the nodes with the database do not look after keys");
  if (st.desk_calls.size() >= calls_most)
    return refuse(errc::overloaded, "too much is asked; ask again");
  const auto number = st.next_number++;
  st.desk_calls[number] = {peer->first, from, x.number, now(self) + patience_us};
  auto me = caf::actor_cast<membership_actor>(self);
  st.config.access.desk->ask(std::move(x.what), [me, number](access_reply said) {
    caf::anon_send(me, atom::told_v, access_told{number, std::move(said)});
  });
}

void answer(membership_ptr self, access_told& x) {
  auto& st = self->state;
  const auto at = st.desk_calls.find(x.number);
  if (at == st.desk_calls.end() || !at->second.from)
    return;
  const auto of = std::move(at->second);
  st.desk_calls.erase(at);
  x.number = of.number;
  for (auto& user : x.reply.rows.users)
    user.password.clear();
  if (st.config.access.rows) // What was changed is known there before it is told that it was.
    for (auto& [name, peer] : st.peers)
      if (name == of.node && peer.at == phase::linked)
        tell(self, peer);
  self->send(handle_of(of.from), atom::access_v, std::move(x));
}

void take_answer(membership_ptr self, access_told& x) {
  auto& st = self->state;
  const auto at = st.desk_calls.find(x.number);
  const auto* from = find_by_actor(st, caf::actor_cast<caf::actor_addr>(self->current_sender()));
  if (at == st.desk_calls.end() || at->second.from || !from || from->first != at->second.node)
    return;
  const auto number = at->second.number;
  st.desk_calls.erase(at);
  say(self, number, std::move(x.reply));
}

void expire(membership_ptr self) {
  const auto at = now(self);
  std::erase_if(self->state.desk_calls, [&](const auto& x) {
    if (x.second.due_us > at)
      return false;
    give_up(self, x.second, "the node with the database took too long; it may have been done");
    return true;
  });
}

void lost(membership_ptr self, const std::string& node) {
  std::erase_if(self->state.desk_calls, [&](const auto& x) {
    if (x.second.node != node)
      return false;
    give_up(self, x.second, "the node that was asked is lost; it may have been done");
    return true;
  });
}

} // namespace footfall::membership_access
