#pragma once

#include <string>

#include "actors/ports/request_handler.hpp"

namespace footfall::http {

/// What a node of a cluster says of itself in /cluster, each member after a comma; empty when
/// the node is alone.
std::string members_of_self(const node_health& x);

/// The other nodes, each after a comma.
std::string other_members(const node_health& x);

/// `,"unowned":[...]`; empty when the node is alone.
std::string unowned_member(const node_health& x);

} // namespace footfall::http
