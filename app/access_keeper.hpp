#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "actors/model/access_gate.hpp"
#include "actors/ports/access_records.hpp"
#include "actors/ports/clock.hpp"

namespace footfall::app {

/// Tells a gate of the keys that are stored, and again within `look_every` of a change, made by
/// whatever node or command. While the store is away the gate goes on with what it knows. Also
/// notes on which day keys were used last.
class access_keeper {
public:
  static constexpr std::chrono::milliseconds look_every{2'000};

  /// `gate` outlives it. `report` gets a line when the store cannot be read any more, and when it
  /// can again.
  access_keeper(std::unique_ptr<access_records> records, model::access_gate& gate, now_fn now,
                std::function<void(const std::string&)> report);
  /// Ends the looking. May wait for a look that is under way, some seconds.
  ~access_keeper();

  /// Reads the keys for the first time, and then begins to look. Blocks.
  caf::error begin();

private:
  caf::error look();
  void note_used();
  void run();

  std::unique_ptr<access_records> records_;
  model::access_gate& gate_;
  now_fn now_;
  std::function<void(const std::string&)> report_;
  int64_t revision_ = -1;
  bool in_trouble_ = false;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace footfall::app
