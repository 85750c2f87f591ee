#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace footfall::app {

/// The name that somebody may have meant who wrote `text`: the one that the fewest
/// changes of a letter lead to, if these are few. Empty when none is near.
std::string nearest_name(std::string_view text, const std::vector<std::string>& names);

} // namespace footfall::app
