#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/ports/clock.hpp"
#include "actors/ports/metrics.hpp"
#include "actors/tend/observed.hpp"

namespace footfall {

/// How often each child was restarted; read by the inspector.
class restart_counts {
public:
  void restarted(const std::string& name, const std::string& key);
  uint64_t of(const std::string& name, const std::string& key) const;

private:
  mutable std::mutex mutex_;
  std::vector<std::pair<std::string, uint64_t>> counts_; // "name/key"
};

/// One actor to keep alive.
struct child_spec {
  std::string name;
  std::string key;
  /// Spawns it. Runs in the supervisor; the child is monitored there.
  std::function<caf::strong_actor_ptr(caf::actor_system&)> start;
  /// Puts its handle (perhaps null) into the wiring.
  std::function<void(wiring&, caf::strong_actor_ptr)> connect;
  /// It takes `wire` messages.
  bool wired = false;
  /// It keeps what it read from the store, and takes `renewed` messages.
  bool keeps_of_store = false;
};

struct supervisor_config {
  std::vector<child_spec> children; ///< In the order of starting.
  /// Asked each second for children that came to be needed. May be empty.
  std::function<std::vector<child_spec>()> more;
  metrics* counts = nullptr;
  now_fn steady = steady_now;
  std::shared_ptr<restart_counts> restarts;
};

/// Invariant: a child that ended for another reason than a stop is started again,
/// after a backoff that grows to 10 s while it keeps failing.
struct supervisor_state {
  static inline const char* name = "supervisor";

  struct child {
    caf::strong_actor_ptr handle;
    std::chrono::milliseconds backoff{50};
    int64_t started_at_us = 0;
    uint64_t restarts = 0;
  };

  supervisor_config config;
  std::vector<child> children;
  wiring nodes;
  bool stopping = false;
};

using supervisor_ptr = observed_actor<supervisor_actor, supervisor_state>*;

supervisor_actor::behavior_type supervisor(supervisor_ptr self, supervisor_config config);

} // namespace footfall
