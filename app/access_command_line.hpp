#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace footfall::app {

/// Adds `site`, `key`, `share`, `counter` and `user` to the program: who may what. `run` becomes
/// what the one that was asked for does.
void add_access_commands(CLI::App& program, std::function<int()>& run);

} // namespace footfall::app
