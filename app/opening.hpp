#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "app/adapters.hpp"

namespace footfall::app {

/// Opens log, store and cache on a thread of its own. A server that is away, or starts
/// itself, is tried again for as long as it takes; what only a person can mend (a wrong
/// password, a setting, a damaged file) ends it at once, and another node's place as soon as
/// it is certain that the other one lives.
class opening {
public:
  /// Both outlive the thread.
  opening(const settings& from, metrics& counts);
  /// Ends the trying. A try that is under way may hold it for some seconds.
  ~opening();

  struct outcome {
    caf::error failure; ///< None: all is open.
    adapters opened;
  };
  /// What came of it, once; nothing while it goes on.
  std::optional<outcome> result();

  /// What could not be reached, in the order of the parts; empty texts: nothing yet.
  struct waiting {
    std::string log, store;
  };
  waiting waits_for() const;

  /// Tries no more. False: one is under way and does not end within `most`.
  bool give_up(std::chrono::milliseconds most);

private:
  void run();
  bool note(const caf::error& why, const adapters& so_far);

  const settings& settings_;
  metrics& counts_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  bool ended_ = false;
  waiting waits_;
  std::optional<outcome> result_;
  std::thread thread_;
};

} // namespace footfall::app
