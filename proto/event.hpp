#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "proto/error.hpp"
#include "proto/wire.hpp"

namespace footfall {

/// The site of events that name none.
inline constexpr const char* default_site = "default";

/// "The client gave no time": the server stamps the arrival instead.
inline constexpr int64_t unset_time = std::numeric_limits<int64_t>::min();

/// Limits of one event. What passes them can be stored by every log and store.
struct limits {
  static constexpr size_t site_id_bytes = 64;
  static constexpr size_t event_id_bytes = 64;
  static constexpr size_t user_id_bytes = 256;
  static constexpr size_t event_type_bytes = 64;
  static constexpr size_t page_url_bytes = 2048;
  static constexpr size_t batch_events = 1000;
  static constexpr size_t body_bytes = 1 << 20;
  static constexpr int64_t first_at_us = 946'684'800'000'000;  ///< 2000-01-01
  static constexpr int64_t last_at_us = 4'102'444'800'000'000; ///< 2100-01-01, exclusive
  static constexpr uint32_t list_rows = 1000;
  static constexpr uint32_t series_points = 10'000;
  /// Event types of a page that are counted by name: those with the lowest numbers,
  /// which are the ones that the store met first. The rest is one sum.
  static constexpr size_t named_types = 1000;
};

/// One click as a client sends it, after parsing and before validate().
struct click_event {
  std::string site_id;  ///< Empty means default_site.
  std::string event_id; ///< Empty: the server makes a UUIDv7.
  std::string user_id;
  std::string event_type;
  std::string page_url;
  int64_t at_us = unset_time; ///< UTC microseconds since 1970.
};
template <class Inspector>
auto inspect(Inspector& f, click_event& x) {
  return wire::object(f, "click_event", x.site_id, x.event_id, x.user_id, x.event_type, x.page_url,
                      x.at_us);
}

/// Where an event stands in the event log; written "partition:offset".
struct position {
  uint32_t partition = 0;
  int64_t offset = -1;
};
template <class Inspector>
auto inspect(Inspector& f, position& x) {
  return wire::object(f, "position", x.partition, x.offset);
}
inline bool operator==(const position& a, const position& b) {
  return a.partition == b.partition && a.offset == b.offset;
}

/// "3:42"; several are separated by commas, and those below 0, of partitions that have nothing
/// yet, are left out: parse_positions() takes what this makes.
std::string to_string(const position& x);
std::string to_string(const std::vector<position>& xs);

/// Reads what to_string writes, at most 64 positions. False when `text` is not that.
bool parse_positions(const std::string& text, std::vector<position>& out);

/// What became of an event. There is no default on purpose.
enum class outcome : uint8_t {
  accepted = 1, ///< Durable; final.
  rejected = 2, ///< Certainly not stored.
  unknown = 3,  ///< May be stored; a retry with the same event_id is safe.
};

struct event_result {
  outcome status = outcome::unknown;
  errc code = errc::none;     ///< Why, unless accepted.
  std::string event_id;       ///< As sent, or as the server made it.
  int64_t at_us = unset_time; ///< As sent, or as the server stamped it.
  position pos;               ///< Only when accepted.
  std::string reason;         ///< What was wrong and what to do, unless accepted.
  uint32_t retry_after_s = 0; ///< When it is known; 0: it is not.
};
template <class Inspector>
auto inspect(Inspector& f, event_result& x) {
  auto status = static_cast<uint8_t>(x.status);
  auto code = static_cast<uint8_t>(x.code);
  auto load = [&]() -> caf::error {
    x.status = static_cast<outcome>(status);
    x.code = static_cast<errc>(code);
    return caf::none;
  };
  return f(caf::meta::type_name("event_result"), status, code, x.event_id, x.at_us, x.pos, x.reason,
           x.retry_after_s, caf::meta::load_callback(load));
}

/// What became of the events of a request, for logs: how many, and where the last ones stand.
std::string summary(const std::vector<event_result>& results);

} // namespace footfall
