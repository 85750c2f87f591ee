#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace footfall::http {

/// Appends `"key":{"name":"state",...}`: roles or parts of the node, and "ok" or what is wrong,
/// on one line each and without secrets.
void append_states(std::string& out, const char* key,
                   const std::vector<std::pair<std::string, std::string>>& states);

/// A text of a library as a part of one line: without line ends, and with nothing behind
/// its last word that promises more.
std::string one_line(std::string_view text);

} // namespace footfall::http
