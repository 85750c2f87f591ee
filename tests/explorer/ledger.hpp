#pragma once

#include "tests/explorer/workload.hpp"

namespace footfall::explorer {

/// Holds a settled node against everything that was posted and told: each position of the
/// log is an event or a bad one, each id counts once, every answer is what the rows say,
/// both audits find nothing, and no actor ended by itself. What is not so is wrong in the world's
/// history.
void check_settled(world& on, workload& load);

} // namespace footfall::explorer
