#pragma once

#include <string>
#include <utility>

#include "actors/tend/membership.hpp"

/// Links to other nodes as MEMBERSHIP makes and ends them.
namespace footfall::membership_peers {

using peer = membership_state::peer;
using phase = membership_state::phase;
using named = std::pair<const std::string, peer>;

constexpr int64_t dial_patience_us = 8'000'000; ///< The links give up sooner.
constexpr int64_t greeting_patience_us = 1'500'000;
constexpr int64_t backoff_first_us = 100'000;
constexpr int64_t backoff_most_us = 1'000'000;
constexpr int64_t backoff_of_late_us = 5'000'000; ///< Its host may be gone for good.

int64_t now(membership_ptr self);
/// A line for the log, if it has something.
void report(membership_ptr self, const std::string& line);
membership_actor handle_of(const caf::strong_actor_ptr& x);

/// Whether this node dials the other, unless that is a gateway: of two the one whose name comes
/// first, and who has no store in any case.
bool dials(const membership_state& st, const std::string& other);

/// The one of this name, which may be new.
peer& find_or_add(membership_state& st, const std::string& name);
named* find_by_number(membership_state& st, uint64_t number);
named* find_by_actor(membership_state& st, const caf::actor_addr& who);

void dial(membership_ptr self, const std::string& name, peer& x);
/// Sends what is to be known of this node.
void greet(membership_ptr self, const std::string& name, peer& x);
/// Both have greeted.
void link_up(membership_ptr self, peer& x, peer_hello hello);
/// There is no link any more, or none yet. The next try comes later than the last one did.
void part(membership_ptr self, peer& x, std::string why);
/// The same where only people can mend what is wrong: it is tried again, not too often.
void refused(membership_ptr self, peer& x, const std::string& why);

} // namespace footfall::membership_peers
