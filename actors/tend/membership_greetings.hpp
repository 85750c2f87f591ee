#pragma once

#include <string>

#include "actors/tend/membership.hpp"

/// What nodes tell each other of themselves before there is a link.
namespace footfall {

peer_hello greeting_of(membership_ptr self);

/// What keeps this node from a link to who sends that; empty: nothing.
std::string fault_of(const membership_state& st, const peer_hello& x);

/// Its texts are names as nodes give themselves, and not too long.
bool is_sound(const peer_hello& x);

/// What another node says, for a line of the log.
std::string cleaned(std::string text);

} // namespace footfall
