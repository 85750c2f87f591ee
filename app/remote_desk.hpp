#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "actors/model/access_gate.hpp"
#include "actors/ports/access_desk.hpp"

namespace footfall::app {

/// The desk of a node without a store: what it is asked, a node with one does.
class remote_desk final : public access_desk {
public:
  /// What it still waits for is answered errc::shutting_down.
  ~remote_desk() override;

  /// From now on asked through `send`, which says whether it could; else, and until then, the
  /// answer is errc::restarting.
  void open(std::function<bool(access_call)> send);
  /// Nothing is sent any more.
  void close();

  void ask(any_access_ask what, std::function<void(access_reply)> done) override;
  /// What was answered. Any thread.
  void take(access_told x);

  /// About once a second: gives up what nobody answered, and has it noted, once a minute at most,
  /// on which day keys and sessions were used last.
  void look(const model::access_gate& gate, int64_t steady_us);

private:
  std::mutex mutex_;
  struct waiting {
    std::function<void(access_reply)> done;
    int64_t since_us = 0;
  };
  std::function<bool(access_call)> send_;
  std::map<uint64_t, waiting> open_;
  uint64_t next_ = 1;
  int64_t noted_us_ = 0; ///< Of the one thread that notes.
};

} // namespace footfall::app
