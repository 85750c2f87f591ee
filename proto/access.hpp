#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace footfall {

/// What the holder of a key may do at its site: `ingest` appends events, `read` asks questions,
/// `admin` both; that of all sites also looks at actors and partitions and changes them. `share` is
/// that of a link, which shows the numbers of one site and nobody's name. `counter` has no secret:
/// it says that anybody may see the counts of some pages of its site.
enum class access_role : uint8_t { ingest, read, admin, share, counter };

/// Whether a program has a key of the role.
constexpr bool is_of_programs(access_role x) noexcept {
  return x == access_role::ingest || x == access_role::read || x == access_role::admin;
}

const char* to_text(access_role x) noexcept;
std::optional<access_role> read_role(std::string_view text) noexcept;

/// Stands for every site, in a key.
inline constexpr std::string_view all_sites = "*";

using access_digest = std::array<uint8_t, 32>;

/// A key as it is stored: its secret is not in it.
struct access_key {
  std::string id; ///< Public: 8 characters, in the text of the key as well, but not in a link's.
  access_digest digest{};
  access_role role = access_role::read;
  std::string site; ///< One site, or all_sites.
  std::string name; ///< For people; may be empty. Of a counter: its pages, see shows().
  int64_t created_us = 0;
  int64_t expires_us = 0; ///< 0: never.
  int64_t revoked_us = 0; ///< 0: it is not.
  uint32_t rate = 0;      ///< Events or questions a second and node; 0: no limit of its own.
  int64_t used_day = 0;   ///< Days since 1970 when it was used last; 0: never.

  friend bool operator==(const access_key&, const access_key&) = default;
};

/// A site that keys may be made for.
struct access_site {
  std::string id;
  int64_t created_us = 0;

  friend bool operator==(const access_site&, const access_site&) = default;
};

/// A person who signs in to the dashboard.
struct access_user {
  std::string name;
  std::string password;                 ///< As argon2id made it, with its salt and limits.
  access_role role = access_role::read; ///< read or admin.
  std::string site;                     ///< One site, or all_sites.
  int64_t created_us = 0;

  friend bool operator==(const access_user&, const access_user&) = default;
};

/// That somebody is signed in.
struct access_session {
  std::string id;   ///< SHA-256 of what the browser has, in hexadecimal.
  std::string user; ///< The name.
  int64_t created_us = 0;
  int64_t used_day = 0; ///< Days since 1970.

  friend bool operator==(const access_session&, const access_session&) = default;
};

/// All that is stored of who may what.
struct access_rows {
  int64_t revision = 0; ///< Rises with each change but that of used_day.
  std::vector<access_site> sites;
  std::vector<access_key> keys;
  std::vector<access_user> users = {};
  std::vector<access_session> sessions = {};
};

} // namespace footfall
