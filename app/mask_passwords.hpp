#pragma once

#include <string>
#include <string_view>

namespace footfall::app {

/// `text` with every password masked: in URLs, and after "password=".
std::string mask_passwords(std::string_view text);

} // namespace footfall::app
