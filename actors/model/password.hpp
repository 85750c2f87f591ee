#pragma once

#include <string>
#include <string_view>

namespace footfall::model {

/// In characters.
inline constexpr size_t password_least = 12;
inline constexpr size_t password_most = 256;

/// What a password must be, in UTF-8. @returns empty, or what is wrong with it.
std::string check_password(std::string_view password);

/// argon2id (RFC 9106) with a new salt, as libsodium writes it. Takes about 0.1 s of a core and
/// 64 MiB, on purpose.
std::string hash_password(std::string_view password);

/// Whether it is the password that `hash` was made of. Costs as much as hashing. An empty hash is
/// nobody's, and costs the same.
bool is_password_of(const std::string& hash, std::string_view password);

} // namespace footfall::model
