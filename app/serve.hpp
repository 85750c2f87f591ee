#pragma once

#include "app/settings.hpp"

namespace footfall::app {

/// Runs a node until a signal ends it (signals.hpp), then drains it.
/// @returns the exit code: 0 after a drain, 1 when it could not start.
int serve(const settings& options);

/// Brings the store's schema to this program's version, and ends.
/// @returns the exit code: 0 it has that now, 1 it could not be done.
int migrate(const settings& options);

} // namespace footfall::app
