#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/event.hpp"

namespace footfall {

/// A log record that was no event when it was applied.
struct bad_event {
  position pos;
  int64_t time_us = 0; ///< When the log took it, UTC.
  std::string reason;  ///< Why it was no event then.
  std::string raw;     ///< The record's bytes.
  position redriven;   ///< Where its event was appended again; offset -1: nowhere yet.
};
template <class Inspector>
auto inspect(Inspector& f, bad_event& x) {
  return wire::object(f, "bad_event", x.pos, x.time_us, x.reason, x.raw, x.redriven);
}

/// Which bad events to read, in the order of their positions.
struct bad_events_ask {
  position after;         ///< Only those behind it; by default all are.
  uint32_t limit = 100;   ///< Rows at most.
  bool open_only = false; ///< Only those that were not re-driven.
};

/// One page of bad events ends early when their records have so many bytes.
inline constexpr size_t bad_event_page_bytes = 1 << 20;

struct bad_event_page {
  std::vector<bad_event> rows;
  bool more = false; ///< There are others behind the last row.
};
template <class Inspector>
auto inspect(Inspector& f, bad_event_page& x) {
  return wire::object(f, "bad_event_page", x.rows, x.more);
}

/// Which bad events to append to the log again.
struct redrive_ask {
  std::vector<position> positions; ///< These; empty: open ones, by the rest.
  position after;
  uint32_t limit = 100;
};
template <class Inspector>
auto inspect(Inspector& f, redrive_ask& x) {
  return wire::object(f, "redrive_ask", x.positions, x.after, x.limit);
}

/// What became of one bad event: `rejected` with errc::invalid_argument when it is
/// still no event, with errc::not_found when there is none at the position.
struct redrive_result {
  position pos;
  event_result result;
};
template <class Inspector>
auto inspect(Inspector& f, redrive_result& x) {
  return wire::object(f, "redrive_result", x.pos, x.result);
}

struct redrive_reply {
  errc code = errc::none; ///< none: the rest is valid. Else it may be done in part.
  std::string reason;
  std::vector<redrive_result> results; ///< One for each bad event.
  bool more = false;                   ///< There are other open ones behind the last.
};
template <class Inspector>
auto inspect(Inspector& f, redrive_reply& x) {
  auto code = static_cast<uint8_t>(x.code);
  auto load = [&]() -> caf::error {
    x.code = static_cast<errc>(code);
    return caf::none;
  };
  return f(caf::meta::type_name("redrive_reply"), code, x.reason, x.results, x.more,
           caf::meta::load_callback(load));
}

} // namespace footfall
