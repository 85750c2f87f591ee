#pragma once

#include "actors/count/ownership.hpp"

/// What the beats' answers say of the partitions beside whose they are: which are stopped, and
/// whether some had clicks of pages that belong to others.
namespace footfall::ownership_marks {

/// Memory is not believed for so long after such a click was applied: its page's home may be
/// another node, which heard nothing of it.
inline constexpr int64_t doubt_us = 10'000'000;

/// @returns whether pages and cache are to be forgotten, once nobody answers from them.
bool take(ownership_ptr self);
void forget(ownership_ptr self);

} // namespace footfall::ownership_marks
