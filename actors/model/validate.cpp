#include "actors/model/validate.hpp"

#include <algorithm>

#include <simdjson.h>

namespace footfall::model {

namespace {

refusal check_text(const char* field, std::string_view text, size_t most) {
  const std::string name = field;
  if (text.empty())
    return {name, name + " is missing or empty; give it a value of 1 to " + std::to_string(most)
                      + " bytes"};
  if (text.size() > most)
    return {name, name + " has " + std::to_string(text.size()) + " bytes; the limit is "
                      + std::to_string(most)};
  if (!is_storable_text(text))
    return {name, name + " is not valid UTF-8 or contains U+0000; send clean UTF-8 text"};
  return {};
}

} // namespace

bool is_storable_text(std::string_view text) noexcept {
  return text.find('\0') == std::string_view::npos
         && simdjson::validate_utf8(text.data(), text.size());
}

refusal validate_site_id(std::string_view text) {
  if (auto bad = check_text("site_id", text, limits::site_id_bytes))
    return bad;
  auto fine = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.'
           || c == '_' || c == '-';
  };
  if (!std::all_of(text.begin(), text.end(), fine))
    return {"site_id", "site_id may hold letters, digits, '.', '_' and '-' only"};
  return {};
}

refusal validate_user_id(std::string_view text) {
  return check_text("user_id", text, limits::user_id_bytes);
}

refusal validate_page_url(std::string_view text) {
  return check_text("page_url", text, limits::page_url_bytes);
}

refusal validate(click_event& event) {
  if (event.site_id.empty())
    event.site_id = default_site;
  if (auto bad = validate_site_id(event.site_id))
    return bad;
  if (!event.event_id.empty())
    if (auto bad = check_text("event_id", event.event_id, limits::event_id_bytes))
      return bad;
  if (auto bad = validate_user_id(event.user_id))
    return bad;
  if (auto bad = check_text("event_type", event.event_type, limits::event_type_bytes))
    return bad;
  if (auto bad = validate_page_url(event.page_url))
    return bad;
  if (event.at_us != unset_time
      && (event.at_us < limits::first_at_us || event.at_us >= limits::last_at_us))
    return {"time_stamp",
            "time_stamp is outside 2000-01-01 to 2099-12-31; check the sender's clock"};
  return {};
}

} // namespace footfall::model
