#include "actors/model/event_key.hpp"

#include <cstring>

#include <openssl/sha.h>

namespace footfall::model {

namespace {

constexpr char hex[] = "0123456789abcdef";

int nibble(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return -1;
}

constexpr bool is_dash(size_t i) noexcept {
  return i == 8 || i == 13 || i == 18 || i == 23;
}

bool parse_uuid(std::string_view text, std::array<uint8_t, 16>& out) noexcept {
  if (text.size() != 36)
    return false;
  size_t n = 0;
  for (size_t i = 0; i < 36;) {
    if (is_dash(i)) {
      if (text[i++] != '-')
        return false;
      continue;
    }
    const int high = nibble(text[i]);
    const int low = nibble(text[i + 1]);
    if (high < 0 || low < 0)
      return false;
    out[n++] = static_cast<uint8_t>(high << 4 | low);
    i += 2;
  }
  return true;
}

} // namespace

key_of_id event_key_of(std::string_view event_id) {
  key_of_id out;
  if (parse_uuid(event_id, out.bytes)) {
    out.is_id = true;
    return out;
  }
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(event_id.data()), event_id.size(), digest.data());
  std::memcpy(out.bytes.data(), digest.data(), out.bytes.size());
  return out;
}

std::string uuid_text(const std::array<uint8_t, 16>& bytes) {
  std::string out(36, '-');
  size_t at = 0;
  for (auto byte : bytes) {
    if (is_dash(at))
      ++at;
    out[at++] = hex[byte >> 4];
    out[at++] = hex[byte & 15];
  }
  return out;
}

std::string uuid7(int64_t at_ms, uint64_t random_high, uint64_t random_low) {
  std::array<uint8_t, 16> b{};
  const auto ms = static_cast<uint64_t>(at_ms);
  for (size_t i = 0; i < 6; ++i)
    b[i] = static_cast<uint8_t>(ms >> (40 - 8 * i));
  b[6] = static_cast<uint8_t>(0x70 | (random_high >> 8 & 0x0f));
  b[7] = static_cast<uint8_t>(random_high);
  for (size_t i = 0; i < 8; ++i)
    b[8 + i] = static_cast<uint8_t>(random_low >> (56 - 8 * i));
  b[8] = static_cast<uint8_t>(0x80 | (b[8] & 0x3f));
  return uuid_text(b);
}

int32_t payload_hash(std::string_view user_id, std::string_view event_type,
                     std::string_view page_url) noexcept {
  uint32_t h = 2166136261u;
  auto add = [&h](std::string_view text) {
    for (unsigned char c : text)
      h = (h ^ c) * 16777619u;
    h = (h ^ 0u) * 16777619u; // The texts hold no NUL: it parts them.
  };
  add(user_id);
  add(event_type);
  add(page_url);
  return static_cast<int32_t>(h);
}

} // namespace footfall::model
