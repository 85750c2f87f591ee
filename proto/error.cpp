#include "proto/error.hpp"

#include <caf/deep_to_string.hpp>
#include <caf/sec.hpp>

namespace footfall {

namespace {
constexpr auto category = caf::atom("footfall");
} // namespace

const char* to_string(errc code) noexcept {
  switch (code) {
  case errc::none: return "none";
  case errc::invalid_argument: return "invalid_argument";
  case errc::overloaded: return "overloaded";
  case errc::timeout: return "timeout";
  case errc::log_unavailable: return "log_unavailable";
  case errc::store_unavailable: return "store_unavailable";
  case errc::disk_full: return "disk_full";
  case errc::fenced: return "fenced";
  case errc::corrupt: return "corrupt";
  case errc::shutting_down: return "shutting_down";
  case errc::gap: return "gap";
  case errc::not_found: return "not_found";
  case errc::internal: return "internal";
  case errc::position_not_reached: return "position_not_reached";
  case errc::partition_stopped: return "partition_stopped";
  case errc::event_too_large: return "event_too_large";
  case errc::restarting: return "restarting";
  case errc::in_use: return "in_use";
  }
  return "unknown";
}

bool is_retryable(errc code) noexcept {
  switch (code) {
  case errc::overloaded:
  case errc::timeout:
  case errc::log_unavailable:
  case errc::store_unavailable:
  case errc::disk_full:
  case errc::shutting_down:
  case errc::position_not_reached:
  case errc::partition_stopped:
  case errc::restarting: return true;
  default: return false;
  }
}

caf::error make_error(errc code, std::string text) {
  return {static_cast<uint8_t>(code), category, caf::make_message(std::move(text))};
}

errc code_of(const caf::error& err) noexcept {
  if (!err)
    return errc::none;
  if (err.category() == category)
    return static_cast<errc>(err.code());
  if (err == caf::sec::request_timeout)
    return errc::timeout;
  if (err == caf::sec::request_receiver_down)
    return errc::store_unavailable;
  return errc::internal;
}

std::string text_of(const caf::error& err) {
  if (err.category() == category && err.context().match_elements<std::string>())
    return err.context().get_as<std::string>(0);
  return caf::to_string(err);
}

} // namespace footfall
