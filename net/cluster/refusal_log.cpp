#include "net/cluster/refusal_log.hpp"

namespace footfall::cluster {

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
