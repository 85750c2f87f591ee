#pragma once

#include <cstdint>
#include <string>

#include "app/options.hpp"

namespace footfall::app {

/// Which store, and what to do with its sites and keys.
struct access_options {
  option_sources from; ///< Of data-dir and database-url.
  std::string what;    ///< add, list, revoke, rotate or rm.
  std::string site;
  std::string role;
  std::string name; ///< Of a counter: its pages.
  std::string id;
  std::string rate;    ///< A number, perhaps with "/s"; empty: the role's default.
  std::string expires; ///< Like 90d, 12h; empty: never.
  bool json = false;
};

/// `footfall site`, `key`, `share`, `counter` and `user`. They change the store
/// itself, whether a node runs or not; nodes see it within some seconds.
/// @returns the exit code: 0; 1 when it could not be done; 2 usage; 3 the store is away.
int run_site(const access_options& options);
int run_key(const access_options& options);
int run_share(const access_options& options);
int run_counter(const access_options& options);
/// A password is the first line of standard input.
int run_user(const access_options& options);

} // namespace footfall::app
