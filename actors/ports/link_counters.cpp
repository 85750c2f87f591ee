#include "actors/ports/link_counters.hpp"

namespace footfall {

const char* to_string(refusal x) noexcept {
  switch (x) {
  case refusal::not_tls: return "not_tls";
  case refusal::no_certificate: return "no_certificate";
  case refusal::foreign_authority: return "foreign_authority";
  case refusal::expired: return "expired";
  case refusal::wrong_name: return "wrong_name";
  case refusal::refused_us: return "refused_us";
  case refusal::too_many: return "too_many";
  case refusal::timeout: return "timeout";
  case refusal::broken_off: return "broken_off";
  case refusal::not_ready: return "not_ready";
  }
  return "unknown";
}

} // namespace footfall
