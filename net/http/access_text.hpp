#pragma once

#include <string>
#include <string_view>

#include "actors/model/access_gate.hpp"
#include "actors/ports/access_desk.hpp"

namespace footfall::http {

/// The bodies of /v1/session, /v1/sites, /v1/keys and /v1/users.
std::string session_text(bool asks, const model::principal::grant& who);
std::string sites_text(const access_rows& rows, int64_t now_us);
std::string keys_text(const access_rows& rows, int64_t now_us);
std::string users_text(const access_rows& rows);

/// Appends one key as an object; its secret is not in it.
void append_key_row(std::string& out, const access_key& x, int64_t now_us);

/// "active", "expired" or "revoked".
const char* state_of(const access_key& x, int64_t now_us);

/// What people may call a key: 128 characters of UTF-8 at most, no control characters.
/// @returns empty, or what is wrong with it.
std::string check_key_name(std::string_view name);

/// What the name of a counter must be: a page, or what pages begin with and a '*'.
/// @returns empty, or what is wrong with it.
std::string check_counter_pages(std::string_view pages);

/// What the name of a person must be. @returns empty, or what is wrong with it.
std::string check_user_name(const std::string& name);

/// Reads the JSON object that a request about keys and people has as its body, with the members
/// that are known for it. @returns empty, or what is wrong.
struct access_body {
  std::string name, password, site, role;
  uint64_t rate = 0, days = 0;
  bool has_rate = false;
};
std::string read_access_body(std::string_view text, std::string_view known, access_body& out);

} // namespace footfall::http
