#include "actors/model/password.hpp"

#include <algorithm>
#include <stdexcept>

#include <sodium.h>

namespace footfall::model {

namespace {

void begin() {
  static const int begun = sodium_init();
  if (begun < 0)
    throw std::runtime_error("libsodium cannot begin");
}

} // namespace

std::string check_password(std::string_view password) {
  const auto size =
      std::count_if(password.begin(), password.end(), [](char c) { return (c & 0xc0) != 0x80; });
  if (size < static_cast<ptrdiff_t>(password_least))
    return "password has fewer than " + std::to_string(password_least)
           + " characters; take a longer one";
  if (size > static_cast<ptrdiff_t>(password_most))
    return "password has more than " + std::to_string(password_most)
           + " characters; take a shorter one";
  return {};
}

std::string hash_password(std::string_view password) {
  begin();
  char out[crypto_pwhash_STRBYTES];
  if (crypto_pwhash_str(out, password.data(), password.size(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                        crypto_pwhash_MEMLIMIT_INTERACTIVE)
      != 0)
    throw std::runtime_error("there is no memory to hash a password with (64 MiB)");
  return out;
}

bool is_password_of(const std::string& hash, std::string_view password) {
  begin();
  static const std::string nobody = hash_password("nobody has this password");
  const bool same = crypto_pwhash_str_verify(hash.empty() ? nobody.c_str() : hash.c_str(),
                                             password.data(), password.size())
                    == 0;
  return same && !hash.empty();
}

} // namespace footfall::model
