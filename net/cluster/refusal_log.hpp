#pragma once

#include <array>
#include <chrono>
#include <string>

#include "actors/ports/link_counters.hpp"
#include "net/cluster/certificates.hpp"

namespace footfall::cluster {

/// Counts refused connections, and says so: for each reason one line at once, then at most one
/// in a while with how many there were. Strangers cannot flood the log. One thread.
class refusal_log {
public:
  using clock = std::chrono::steady_clock;

  refusal_log(link_counters& counters, report_fn report, clock::duration every)
      : counters_(counters), report_(std::move(report)), every_(every) {}

  /// @param who the address it came from
  void note(refusal why, const std::string& who, const std::string& details, clock::time_point now);

  /// Says what came since the last line of each reason, once its time is up.
  void tick(clock::time_point now);

private:
  struct entry {
    uint64_t unsaid = 0;
    bool said_once = false;
    clock::time_point said{};
    std::string last; ///< The last one, for a person.
  };
  void say(refusal why, entry& x, clock::time_point now);

  link_counters& counters_;
  report_fn report_;
  clock::duration every_;
  std::array<entry, refusals> entries_;
};

} // namespace footfall::cluster
