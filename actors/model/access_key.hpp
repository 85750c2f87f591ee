#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/access.hpp"

namespace footfall::model {

/// The text of a key, "ff_live_ID_SECRET": 8 characters of id, 43 of secret (32 random bytes in
/// base64url).
struct key_text {
  std::string_view id;
  std::string_view secret;
};

/// Takes a key's text apart. Nothing: it is none.
std::optional<key_text> read_key_text(std::string_view text);

/// SHA-256 (FIPS 180-4) of a key's secret. A secret has 256 random bits, so a fast hash is as
/// hard to turn round as a slow one.
access_digest digest_of(std::string_view secret);

/// In constant time.
bool is_same(const access_digest& a, const access_digest& b);

/// Questions a second that a new key of the role may ask unless another rate is given; 0: no limit.
/// Many people look at one link, or counter.
constexpr uint32_t usual_rate(access_role role) {
  return role == access_role::read ? 20 : is_of_programs(role) ? 0 : 100;
}

/// Whether a counter of these pages shows `page`: it is the one, or they end in '*' and it begins
/// as they do.
bool shows(std::string_view pages, std::string_view page);

struct made_key {
  access_key key;
  std::string text; ///< To be shown once, and nowhere kept. Of a counter: "/c/SITE/", no secret.
};

/// What a browser has while somebody is signed in: 43 characters, 256 random bits.
std::string make_session_token();
/// access_session::id of it.
std::string session_id_of(std::string_view token);

/// What a link of the role `share` has in its address: 22 characters of base64url, 128 random bits.
constexpr size_t share_token_size = 22;
bool is_share_token(std::string_view text);

/// A new key for `site`, from the system's random bytes. Of the role `share`: a link's.
made_key make_key(access_role role, std::string site, int64_t now_us);

} // namespace footfall::model
