#pragma once

#include <string>
#include <vector>

namespace footfall::cluster {

/// Whether one of a certificate's names is on the list. An entry is a name, or a suffix that
/// begins with a dot (".nodes.example"); case does not matter. An empty list takes all.
bool is_allowed(const std::vector<std::string>& names, const std::vector<std::string>& list);

} // namespace footfall::cluster
