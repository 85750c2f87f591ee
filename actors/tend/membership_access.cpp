#include "actors/tend/membership_access.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "actors/tend/membership_peers.hpp"

namespace footfall::membership_access {

namespace {

using namespace membership_peers;
using desk_call = membership_state::desk_call;

constexpr int64_t patience_us = 12'000'000; // The desk's own is shorter.
constexpr size_t calls_most = 512;
/// Of rows in one message. Beats and questions pass between two of them.
constexpr size_t part_bytes = 128 << 10;

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

named* linked_sender(membership_ptr self) {
  auto* from = find_by_actor(self->state, caf::actor_cast<caf::actor_addr>(self->current_sender()));
  return from && from->second.at == phase::linked ? from : nullptr;
}

void send_part(membership_ptr self, membership_state::peer& to) {
  auto part = std::move(to.access.left.back());
  to.access.left.pop_back();
  to.access.awaited = {part.rows.revision, part.number};
  self->send(handle_of(to.hello.membership), atom::access_v, std::move(part));
}

void say_all(membership_ptr self, const membership_state::peer& to,
             std::vector<access_told>& answers) {
  for (auto& x : std::exchange(answers, {}))
    self->send(handle_of(to.hello.membership), atom::access_v, std::move(x));
}

/// Nobody takes back that a key is revoked. @returns whether `to` learned of one.
bool keep_revoked(const access_rows& known, access_rows& to) {
  std::map<std::string_view, const access_key*> revoked;
  for (const auto& x : known.keys)
    if (x.revoked_us != 0)
      revoked.emplace(x.id, &x);
  bool out = false;
  for (auto& key : to.keys) {
    const auto same = revoked.find(key.id);
    if (key.revoked_us != 0 || same == revoked.end() || same->second->digest != key.digest)
      continue;
    key.revoked_us = same->second->revoked_us;
    out = true;
  }
  return out;
}

void take_all(membership_ptr self, membership_state::peer::access_link& from, access_rows x) {
  auto& st = self->state;
  from.revision = x.revision;
  // Who told it may not have read what another has: what was revoked stays so. If nobody has, the
  // store is another one.
  const auto known = st.access ? st.access->revision : 0;
  const bool is_newer = std::any_of(st.peers.begin(), st.peers.end(), [&](const auto& y) {
    return y.second.at == phase::linked && y.second.access.revision >= known;
  });
  if (st.access && is_newer && x.revision >= known) {
    keep_revoked(*st.access, x); // It may not be stored, and not known to all nodes.
  } else if (st.access && is_newer) {
    auto merged = *st.access;
    if (!keep_revoked(x, merged))
      return;
    x = std::move(merged);
  }
  st.access = std::make_shared<access_rows>(std::move(x));
  st.config.access.take(*st.access);
}

} // namespace

// What is under way is told to its end, also when there is something newer: else nothing would be
// told where much changes.
void tell(membership_ptr self, membership_state::peer& x) {
  const auto& of = self->state.config.access;
  auto now = of.rows ? of.rows() : nullptr;
  if (!now || now == x.access.told || x.access.awaited)
    return;
  x.access.left = parts_of(*now, part_bytes);
  std::reverse(x.access.left.begin(), x.access.left.end());
  x.access.told = std::move(now);
  send_part(self, x);
}

void go_on(membership_ptr self, const access_part_taken& x) {
  auto* from = linked_sender(self);
  if (!from)
    return;
  auto& link = from->second.access;
  if (!link.awaited || link.awaited->revision != x.revision || link.awaited->number != x.number)
    return;
  link.awaited.reset();
  if (!link.left.empty())
    return send_part(self, from->second);
  say_all(self, from->second, link.answers);
  link.answers = std::exchange(link.later_answers, {});
  tell(self, from->second);
  if (!link.awaited)
    say_all(self, from->second, link.answers);
}

void take(membership_ptr self, access_part& x) {
  auto& st = self->state;
  auto* from = linked_sender(self);
  if (!from)
    return;
  self->send(handle_of(from->second.hello.membership), atom::access_v,
             access_part_taken{x.rows.revision, x.number});
  if (st.config.has_store || !st.config.access.take)
    return;
  auto& link = from->second.access;
  if (x.number == 0) {
    link.gathered = {};
    link.parts = 0;
  }
  if (x.number != link.parts)
    return; // What it belongs to began before this actor did.
  ++link.parts;
  append(link.gathered, std::move(x.rows));
  if (x.is_last)
    take_all(self, link, std::exchange(link.gathered, {}));
}

void tell_revoked(membership_ptr self) {
  auto& st = self->state;
  const auto now = st.config.access.revoked ? st.config.access.revoked() : nullptr;
  for (auto& [name, x] : st.peers) {
    if (x.at != phase::linked)
      continue;
    if (x.is_gateway && st.config.has_store) {
      tell(self, x);
    } else if (now && now != x.access.revoked && !x.is_gateway) {
      self->send(handle_of(x.hello.membership), atom::access_v, *now);
      x.access.revoked = now;
    }
  }
}

void take_revoked(membership_ptr self, const access_revoked& x) {
  const auto& take = self->state.config.access.take_revoked;
  if (take && linked_sender(self))
    take(x);
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
  const auto* peer = linked_sender(self);
  if (!peer)
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
  x.with_rows = !x.reply.rows.sites.empty(); // There is always one.
  x.reply.rows = {};                         // It is told them, or was.
  // What was changed is known there before it is told that it was.
  const auto at_peer = st.peers.find(of.node);
  if (at_peer == st.peers.end() || at_peer->second.at != phase::linked)
    return;
  auto& peer = at_peer->second;
  tell(self, peer);
  auto& link = peer.access;
  if (!link.awaited)
    return self->send(handle_of(of.from), atom::access_v, std::move(x));
  const bool is_newest = !st.config.access.rows || st.config.access.rows() == link.told;
  auto& waits = is_newest ? link.answers : link.later_answers;
  if (waits.size() < calls_most) // One more is answered in time all the same: it was given up.
    waits.push_back(std::move(x));
}

void take_answer(membership_ptr self, access_told& x) {
  auto& st = self->state;
  const auto at = st.desk_calls.find(x.number);
  const auto* from = find_by_actor(st, caf::actor_cast<caf::actor_addr>(self->current_sender()));
  if (at == st.desk_calls.end() || at->second.from || !from || from->first != at->second.node)
    return;
  const auto number = at->second.number;
  st.desk_calls.erase(at);
  if (x.with_rows && st.access)
    x.reply.rows = *st.access;
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
