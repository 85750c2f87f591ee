#pragma once

#include <string_view>

#include "app/import/hit.hpp"

namespace footfall::app {

/// True for what a person looks at: GET, answered with 2xx or 304, and no static file.
/// What the line does not say is not held against it.
bool is_page(const hit& x) noexcept;

/// True when the path's last part names a style sheet, script, image, font, video and
/// the like, or is robots.txt.
bool is_static_file(std::string_view page_url) noexcept;

/// True for the agents of crawlers, monitors and HTTP libraries, by the list in
/// filters.cpp. No agent at all is not held against a line.
bool is_bot(std::string_view agent) noexcept;

} // namespace footfall::app
