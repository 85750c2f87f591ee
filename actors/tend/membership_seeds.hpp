#pragma once

#include "actors/tend/membership.hpp"

/// How a node without a store finds others: by addresses that it was given (`--cluster-seeds`).
/// One is dialled at a time, and only while there is no link at all; who answers says its name,
/// and tells of all the others. Those that it was told of before are dialled as well, in turns with
/// the seeds: two links to one process would end each other.
namespace footfall::membership_seeds {

/// Time passes. @returns whether others may be dialled now.
bool go_on(membership_ptr self);

// Each: whether it is of a seed.
bool take_way(membership_ptr self, uint64_t number, peer_way& way);
bool take_failure(membership_ptr self, uint64_t number, const caf::error& why);
bool take_welcome(membership_ptr self, const caf::strong_actor_ptr& from, peer_hello& hello);
bool take_refusal(membership_ptr self, const caf::strong_actor_ptr& from, const std::string& why);
bool take_down(membership_ptr self, const caf::down_msg& x);

} // namespace footfall::membership_seeds
