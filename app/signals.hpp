#pragma once

#include <chrono>

namespace footfall::app {

/// From now on the signals that end a node do nothing by themselves: SIGTERM, SIGINT,
/// SIGQUIT, and SIGHUP unless it was ignored when the process began (nohup). To be called
/// before any thread is started. With `reads_again`, SIGHUP ends it only where a terminal hangs
/// up: elsewhere that is how a daemon is told to read its files again, which needs no signal here.
void take_ending_signals(bool reads_again);

/// True when one of them came, or comes within `most`. One thread.
bool told_to_end(std::chrono::milliseconds most);

} // namespace footfall::app
