#pragma once

#include <vector>

#include "db/postgres/connection.hpp"

namespace footfall::postgres {

/// Whether a session of a server stays one session between transactions. Behind a pooler
/// that lends a server connection for a transaction or a statement it does not: what
/// is set, prepared and claimed there belongs to whoever comes next. Two connections
/// ask which session they are in, in and between transactions of the other; nothing is
/// set that could stay behind. Of several servers the first that can be reached is looked at.
/// Any thread; one waits for another.
/// @returns errc::invalid_argument with what to do, or why it cannot be told.
caf::error check_session(const std::vector<server>& servers, const stop_signal& stop);

} // namespace footfall::postgres
