#pragma once

#include <chrono>

namespace footfall::app {

/// From now on the signals that end a node do nothing by themselves: SIGTERM, SIGINT,
/// SIGQUIT, and SIGHUP unless it was ignored when the process began (nohup). To be called
/// before any thread is started.
void take_ending_signals();

/// True when one of them came, or comes within `most`. One thread.
bool told_to_end(std::chrono::milliseconds most);

} // namespace footfall::app
