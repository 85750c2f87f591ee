#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace footfall::app {

/// What to tell about variables that look like ours and set nothing: misspelled ones, with
/// the name that was meant, and those that Kubernetes and Docker make of services' names.
/// @param entries "NAME=value"; no value is told
std::vector<std::string> environment_notes(const std::vector<std::string_view>& entries);

} // namespace footfall::app
