#pragma once

#include <string>
#include <vector>

namespace footfall::nodes {

/// The bugs that the broken simulator can have; none in the sound one.
const std::vector<std::string>& known_bugs();
bool is_known_bug(const std::string& name);
/// From now on this process has the bug `name`; empty: none.
void choose_bug(const std::string& name);

} // namespace footfall::nodes
