#pragma once

namespace footfall::app {

/// From now on the first SIGINT or SIGTERM is only remembered, so that what was read
/// can be sent; the second one ends the process.
void catch_interrupts();

bool is_interrupted() noexcept;

} // namespace footfall::app
