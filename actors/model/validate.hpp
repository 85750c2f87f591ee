#pragma once

#include <string>
#include <string_view>

#include "proto/event.hpp"

namespace footfall::model {

/// Why an event or a query field is refused: empty when it is not.
struct refusal {
  std::string field;
  std::string reason; ///< What was wrong and what to do; never the value itself.
  explicit operator bool() const { return !reason.empty(); }
};

/// The single gate of the event path. What passes can be stored, with the same
/// meaning, by the event log and by both stores; what does not is never stored.
/// Fills in the site (empty means default_site) and nothing else; `event_id` and
/// `at_us` may still be unset afterwards. Pure; any thread.
refusal validate(click_event& event);

/// The rules of single fields, for queries.
refusal validate_site_id(std::string_view text);
refusal validate_user_id(std::string_view text);
refusal validate_page_url(std::string_view text);

/// True for well-formed UTF-8 (no surrogates, no overlong forms) without U+0000.
bool is_storable_text(std::string_view text) noexcept;

} // namespace footfall::model
