#pragma once

#include <memory>
#include <string>

#include "actors/ports/access_records.hpp"
#include "app/access_commands.hpp"

namespace footfall::app {

/// Says on standard error why a command about keys and people was not done. @returns the code.
int failed(int code, const std::string& why);
/// The same, with the code that fits.
int failed(const caf::error& why);

/// Opens the store that the options name. @returns an exit code, 0 when `out` is open.
int open_records(const access_options& options, std::unique_ptr<access_records>& out);

/// "2026-11-29"
std::string day_text(int64_t at_us);

/// Looks at site and name. @param may_be_all the site may be all of them.
/// @returns what is wrong with them, or empty.
std::string check_options(const access_options& options, bool may_be_all);

} // namespace footfall::app
