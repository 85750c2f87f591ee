#pragma once

#include <cstdint>
#include <vector>

#include "proto/query.hpp"

namespace footfall::model {

/// The rows that match, most first, at most `ask.limit` of them; for a tree with those that
/// stand above them behind. Of what several nodes chose the same is chosen as of all their rows.
/// @param total raised by the number of those that match.
std::vector<actor_row> choose_actors(const std::vector<actor_row>& all, const actors_ask& ask,
                                     uint64_t& total);

} // namespace footfall::model
