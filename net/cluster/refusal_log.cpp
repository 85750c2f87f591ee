#include "net/cluster/refusal_log.hpp"

namespace footfall::cluster {

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

void refusal_log::note(refusal why, const std::string& who, const std::string& details,
                       clock::time_point now) {
  add(counters_.refused[static_cast<size_t>(why)]);
  auto& x = entries_[static_cast<size_t>(why)];
  ++x.unsaid;
  x.last = who + (details.empty() ? "" : ": " + details);
  if (!x.said_once || now - x.said >= every_)
    say(why, x, now);
}

void refusal_log::tick(clock::time_point now) {
  for (size_t i = 0; i < refusals; ++i)
    if (auto& x = entries_[i]; x.unsaid > 0 && now - x.said >= every_)
      say(static_cast<refusal>(i), x, now);
}

void refusal_log::say(refusal why, entry& x, clock::time_point now) {
  std::string text = "the cluster's port refused ";
  text += x.unsaid == 1 ? "a connection (" : std::to_string(x.unsaid) + " connections (";
  text += std::string{to_string(why)} + (x.unsaid == 1 ? ") from " : "), the last from ") + x.last;
  x.unsaid = 0;
  x.said_once = true;
  x.said = now;
  report_(text);
}

} // namespace footfall::cluster
