#pragma once

#include <string>
#include <string_view>

namespace footfall::http {

/// The address of a public counter, "/c/SITE/PAGE.json" or ".svg", both parts percent-encoded.
struct counter_path {
  std::string site; ///< Empty: the path is no such address.
  std::string page;
  bool is_picture = false;
};

/// Whether the path is of counters, be there one or not.
bool is_of_counters(std::string_view path);

/// @param path without its query
counter_path read_counter_path(std::string_view path);

/// "1,234 clicks" as a picture of one line, that draws and names nothing else.
std::string counter_picture(uint64_t clicks);

} // namespace footfall::http
