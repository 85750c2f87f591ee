#pragma once

#include <cstdint>
#include <string>

#include <caf/atom.hpp>
#include <caf/error.hpp>
#include <caf/make_message.hpp>

namespace footfall {

/// What can go wrong, as clients may tell it apart. Append only: the number
/// crosses nodes.
enum class errc : uint8_t {
  none = 0,
  invalid_argument = 1,  ///< The request is wrong; sending it again is no use.
  overloaded = 2,        ///< A limit was reached; certainly nothing was stored.
  timeout = 3,           ///< No answer in time; an event may be stored.
  log_unavailable = 4,   ///< The event log did not confirm; may be stored.
  store_unavailable = 5, ///< The store cannot answer now.
  disk_full = 6,         ///< No space; certainly nothing was stored.
  fenced = 7,            ///< Another owner took the partition, or it moved on.
  corrupt = 8,           ///< The data folder or a record is not what we wrote.
  shutting_down = 9,     ///< The node drains; try again elsewhere or later.
  gap = 10,              ///< The log lost records that were never applied.
  not_found = 11,
  internal = 12,             ///< A bug of ours.
  position_not_reached = 13, ///< Footfall-After was not applied in time.
  partition_stopped = 14,    ///< Nothing more is applied until a person decides.
  event_too_large = 15,      ///< The log takes no record of that size; certainly not stored.
  restarting = 16,           ///< Who answers it starts again; certainly nothing was done.
  in_use = 17,               ///< Another process has what only one may have.
};

/// Stable text of the code, for example "overloaded".
const char* to_string(errc code) noexcept;

/// True when the same request may succeed later without a change.
bool is_retryable(errc code) noexcept;

/// CAF error with our code and a text that says what was tried.
caf::error make_error(errc code, std::string text);

/// Our code of a CAF error; CAF's own timeouts and dead receivers are mapped.
errc code_of(const caf::error& err) noexcept;

/// The text that `make_error` was given, or CAF's own.
std::string text_of(const caf::error& err);

} // namespace footfall
