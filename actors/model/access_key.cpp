#include "actors/model/access_key.hpp"

#include <memory>
#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

namespace footfall::model {

namespace {

constexpr std::string_view prefix = "ff_live_";
constexpr size_t id_size = 8;
constexpr size_t secret_size = 43;
constexpr std::string_view id_letters = "abcdefghijkmnpqrstuvwxyz23456789"; // 32, none alike.
constexpr std::string_view letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct hashing {
  std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> kind{EVP_MD_fetch(nullptr, "SHA256", nullptr),
                                                       EVP_MD_free};
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> state{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

template <size_t Size>
std::array<uint8_t, Size> random_bytes() {
  std::array<uint8_t, Size> out{};
  if (RAND_bytes(out.data(), Size) != 1)
    throw std::runtime_error("the system gives no random bytes");
  return out;
}

/// Base64url without padding (RFC 4648, 5).
template <size_t Size>
std::string base64url(const std::array<uint8_t, Size>& bytes) {
  std::string out;
  uint32_t held = 0;
  int bits = 0;
  for (auto x : bytes) {
    held = held << 8 | x;
    for (bits += 8; bits >= 6; bits -= 6)
      out += letters[held >> (bits - 6) & 63];
  }
  if (bits > 0)
    out += letters[held << (6 - bits) & 63];
  return out;
}

} // namespace

std::optional<key_text> read_key_text(std::string_view text) {
  if (text.size() != prefix.size() + id_size + 1 + secret_size || !text.starts_with(prefix)
      || text[prefix.size() + id_size] != '_')
    return std::nullopt;
  const key_text out{text.substr(prefix.size(), id_size), text.substr(text.size() - secret_size)};
  if (out.id.find_first_not_of(id_letters) != std::string_view::npos
      || out.secret.find_first_not_of(letters) != std::string_view::npos)
    return std::nullopt;
  return out;
}

access_digest digest_of(std::string_view secret) {
  thread_local hashing with; // A digest that is fetched each time takes longer than the hash.
  access_digest out{};
  if (EVP_DigestInit_ex2(with.state.get(), with.kind.get(), nullptr) != 1
      || EVP_DigestUpdate(with.state.get(), secret.data(), secret.size()) != 1
      || EVP_DigestFinal_ex(with.state.get(), out.data(), nullptr) != 1)
    throw std::runtime_error("SHA-256 fails");
  return out;
}

bool is_same(const access_digest& a, const access_digest& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool is_share_token(std::string_view text) {
  return text.size() == share_token_size
         && text.find_first_not_of(letters) == std::string_view::npos;
}

std::string make_session_token() {
  return base64url(random_bytes<32>());
}

std::string session_id_of(std::string_view token) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (auto x : digest_of(token)) {
    out += digits[x >> 4];
    out += digits[x & 15];
  }
  return out;
}

bool shows(std::string_view pages, std::string_view page) {
  if (!pages.ends_with('*'))
    return pages == page;
  pages.remove_suffix(1);
  return page.starts_with(pages);
}

made_key make_key(access_role role, std::string site, int64_t now_us) {
  made_key out;
  for (auto x : random_bytes<id_size>())
    out.key.id += id_letters[x % id_letters.size()];
  const bool is_link = role == access_role::share;
  const auto secret = is_link ? base64url(random_bytes<16>()) : base64url(random_bytes<32>());
  out.key.digest = digest_of(secret);
  out.key.role = role;
  out.key.site = std::move(site);
  out.key.created_us = now_us;
  if (role == access_role::counter)
    out.text = "/c/" + out.key.site + '/';
  else
    out.text = is_link ? secret : std::string(prefix) + out.key.id + '_' + secret;
  return out;
}

} // namespace footfall::model
