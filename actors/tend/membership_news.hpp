#pragma once

#include "actors/tend/membership.hpp"

/// What nodes with a store tell those without: who is there, and who owns what.
namespace footfall::membership_news {

/// To those that no store lists, what the last beat was answered.
void tell(membership_ptr self);
/// The same to one that was just linked.
void tell(membership_ptr self, membership_state::peer& x);

/// What a node with a store tells this one. @returns what the last beat would have been answered,
/// or null when it is not to be heeded: another one tells it sooner, or this node has a store.
const beat_answer* take(membership_ptr self, cluster_news& x);

/// Of a node without a store: what it was told, and itself, for people.
void show(membership_ptr self);

} // namespace footfall::membership_news
