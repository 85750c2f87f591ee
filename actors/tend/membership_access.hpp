#pragma once

#include "actors/tend/membership.hpp"

/// Who may what, for nodes without a store: those that have one tell them, and do what people
/// change there.
namespace footfall::membership_access {

/// A node with a store: to one without, if it is not what that has.
void tell(membership_ptr self, membership_state::peer& x);
/// Once a part of that has arrived.
void go_on(membership_ptr self, const access_part_taken& x);
/// A node without: what another told.
void take(membership_ptr self, access_part& x);

/// Time passes: what was revoked while the store is away waits for no beat.
void tell_revoked(membership_ptr self);
/// A node with a store: what another knows to be revoked.
void take_revoked(membership_ptr self, const access_revoked& x);

/// From the edge of a node without a store.
void ask(membership_ptr self, access_call& x);
/// At the node with the store: from another, and what the desk said.
void pass_on(membership_ptr self, access_call& x);
void answer(membership_ptr self, access_told& x);
/// At the node without: what came back.
void take_answer(membership_ptr self, access_told& x);

/// Time passes, or a node is lost: what waits for it is answered.
void expire(membership_ptr self);
void lost(membership_ptr self, const std::string& node);

} // namespace footfall::membership_access
