#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "proto/event.hpp"

namespace footfall {

/// How the value of a record is written.
enum class record_format : uint8_t { protobuf = 1, json = 2 };

/// One record read back.
struct log_entry {
  int64_t offset = 0;
  int64_t time_us = 0; ///< When the log took it; used for bad_events only.
  record_format format = record_format::protobuf;
  std::string value;
};
template <class Inspector>
auto inspect(Inspector& f, log_entry& x) {
  auto format = static_cast<uint8_t>(x.format);
  auto load = [&]() -> caf::error {
    x.format = static_cast<record_format>(format);
    return caf::none;
  };
  return f(caf::meta::type_name("log_entry"), x.offset, x.time_us, format, x.value,
           caf::meta::load_callback(load));
}

using event_key = std::array<uint8_t, 16>;

/// One event of a batch, decoded and validated.
struct event_row {
  int64_t offset = 0;
  std::string site_id;
  std::string event_id;
  std::string user_id;
  std::string event_type;
  std::string page_url;
  event_key key{};        ///< model::event_key_of(event_id).
  bool key_is_id = false; ///< The key is the id itself: a canonical UUID.
  int64_t at_us = 0;
  int64_t received_at_us = 0;
  int32_t payload_hash = 0;
};

} // namespace footfall
