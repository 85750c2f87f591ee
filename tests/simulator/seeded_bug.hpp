#pragma once

#include <string>
#include <vector>

namespace footfall::simulator {

/// The bugs that the broken simulator can have; none in the sound one.
const std::vector<std::string>& known_bugs();
/// From now on this process has the bug `name`; empty: none.
void choose_bug(const std::string& name);

} // namespace footfall::simulator
