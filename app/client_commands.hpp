#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace footfall::app {

/// Adds every command but `serve` to the program. The one that the command line names puts
/// itself into `run`, which returns the exit code; `run` must outlive the parsing.
void add_client_commands(CLI::App& program, std::function<int()>& run);

} // namespace footfall::app
