#pragma once

#include <string_view>

namespace footfall::http {

/// The address of a shared view, "/s/TOKEN" and what stands below it: pages of the dashboard, and
/// the questions that these ask, with the rights of the link and no others.
struct share_path {
  std::string_view token; ///< Empty: the path is no such address.
  std::string_view below; ///< "" or "/page", "/v1/stats/summary".
};

/// @param path without its query
share_path read_share_path(std::string_view path);

/// The whole pattern of what a shared view may ask: what shows numbers, and no user. Empty: it may
/// not. For ever there.
std::string_view shared_question(std::string_view below);

/// Whether the dashboard has a page for it.
bool is_shared_screen(std::string_view below);

} // namespace footfall::http
