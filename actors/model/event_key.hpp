#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace footfall::model {

struct key_of_id {
  std::array<uint8_t, 16> bytes{};
  bool is_id = false; ///< The bytes are the id itself.
};

/// The compact identity of an event id: the id itself when it is a canonical
/// lower-case UUID, else the first 128 bits of its SHA-256. No secret goes in:
/// apply must be a pure function of the record.
key_of_id event_key_of(std::string_view event_id);

/// Canonical text of 16 bytes, for example "0190...-7...".
std::string uuid_text(const std::array<uint8_t, 16>& bytes);

/// A UUIDv7 (RFC 9562): `at_ms` in front, so that ids sort by time, then 74
/// given random bits.
std::string uuid7(int64_t at_ms, uint64_t random_high, uint64_t random_low);

/// Hash of what a retry must repeat: user, type and page. FNV-1a, 32 bits.
int32_t payload_hash(std::string_view user_id, std::string_view event_type,
                     std::string_view page_url) noexcept;

} // namespace footfall::model
