#pragma once

#include <caf/expected.hpp>

#include "actors/ports/store.hpp"
#include "db/postgres/generations.hpp"

namespace footfall::postgres {

/// Takes a partition over on this connection. Who holds its row for too long loses his.
/// @param above the new epoch is higher than this one
/// @param by set: not when it is refused; `granted` is false then
caf::expected<partition_claim> claim_partition(connection& c, known_generation& now,
                                               uint32_t partition, int64_t above,
                                               const lease_claim* by);

} // namespace footfall::postgres
