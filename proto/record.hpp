#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "proto/event.hpp"

namespace footfall {

/// How the value of a record is written.
enum class record_format : uint8_t { protobuf = 1, json = 2 };

/// One record read back.
struct log_entry {
  int64_t offset = 0;
  int64_t time_us = 0; ///< When the log took it.
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

/// What is kept of a record that was applied: enough to see later whether the log still
/// has that one at its place.
struct log_mark {
  int64_t offset = -1; ///< -1: none.
  int64_t hash = 0;    ///< model::hash_of.
};
template <class Inspector>
auto inspect(Inspector& f, log_mark& x) {
  return wire::object(f, "log_mark", x.offset, x.hash);
}

/// A partition of the event log as it is just now.
struct log_view {
  std::string identity;      ///< No other log has it; empty where that cannot be told.
  int64_t first = 0;         ///< The oldest offset that is there; `end` when none is.
  int64_t end = 0;           ///< One past the newest one.
  std::vector<log_entry> at; ///< The record at the offset asked for; empty: there is none.
};
template <class Inspector>
auto inspect(Inspector& f, log_view& x) {
  return wire::object(f, "log_view", x.identity, x.first, x.end, x.at);
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
