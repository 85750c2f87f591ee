#pragma once

#include <functional>
#include <map>
#include <string>

namespace footfall::app {

struct config_line {
  std::string value;
  size_t line = 0;
};

/// By option name.
using config_values = std::map<std::string, config_line, std::less<>>;

/// Reads "name = value" lines. A "#" at the start of a line or after a space starts
/// a comment; spaces around name and value do not count.
/// @returns an empty text and fills `out`, or what is wrong and on which line.
std::string read_config_file(const std::string& path, config_values& out);

} // namespace footfall::app
