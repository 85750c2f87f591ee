#pragma once

#include <string>

#include "db/postgres/connection.hpp"

namespace footfall::postgres {

/// Whether a session of `url` stays one session between transactions. Behind a pooler
/// that lends a server connection for a transaction or a statement it does not: what
/// is set, prepared and claimed there belongs to whoever comes next. Two connections
/// ask which session they are in, in and between transactions of the other; nothing is
/// set that could stay behind.
/// @returns errc::invalid_argument with what to do, or why it cannot be told.
caf::error check_session(const std::string& url, const stop_signal& stop);

} // namespace footfall::postgres
