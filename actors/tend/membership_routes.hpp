#pragma once

#include "actors/tend/membership.hpp"

/// What MEMBERSHIP tells of its links.
namespace footfall {

/// For health checks and metrics.
void show(membership_ptr self);
/// The same, and to GATEWAY where to ask, if that is not what it knows.
void publish(membership_ptr self);

} // namespace footfall
