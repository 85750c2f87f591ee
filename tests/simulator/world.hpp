#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "tests/explorer/chance.hpp"

namespace footfall::simulator {

using explorer::chance;

constexpr int64_t ms = 1'000;
constexpr int64_t s = 1'000'000;

/// What may happen to a process, to the ways between, and to the store.
enum class fault : uint8_t {
  kill,
  stop,
  cut,
  cut_from_store,
  cut_to_store,
  terminate,
  quick_restart,
  same_name,
  reconnect,
  store_hangs,
  store_crashes,
  log_away,
  false_down,
  lost,
  slow,
  count
};
const char* name_of(fault x) noexcept;

/// What runs did, for the last lines.
struct tally {
  uint64_t histories = 0;
  uint64_t events = 0;
  uint64_t beats = 0;
  uint64_t claims = 0; ///< That were granted.
  uint64_t moves = 0;  ///< Of a partition from a node to another one.
  uint64_t applies = 0;
  uint64_t answers = 0; ///< From memory, each checked.
  uint64_t stops = 0;
  std::array<uint64_t, static_cast<size_t>(fault::count)> faults{};

  void add(const tally& x);
};

/// Time, chance and what was noticed, of one run. The time is the true one, which nobody in
/// the run can read: store and processes have clocks of their own.
class world {
public:
  /// @param is_told whether each line of the history goes to standard output.
  world(uint64_t seed, bool is_told) : luck(seed), is_told_(is_told) {}
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  chance luck;
  tally counts;

  int64_t now() const noexcept { return now_us_; }
  /// Within [least, most].
  int64_t between(int64_t least, int64_t most) { return least + luck.until(most - least); }
  void at(int64_t time_us, std::function<void()> run);
  void after(int64_t delay_us, std::function<void()> run) {
    at(now_us_ + delay_us, std::move(run));
  }
  /// Does what is due until `end_us`, or until something is wrong.
  void run_until(int64_t end_us);

  void happened(fault x) { ++counts.faults[static_cast<size_t>(x)]; }
  /// A line of the history; `make` is called only where somebody reads it.
  template <class Make>
  void note(const Make& make) {
    if (is_told_)
      tell(make());
  }
  /// An invariant does not hold. The first one ends the run.
  void wrong(const std::string& what);
  bool is_wrong() const noexcept { return !wrong_.empty(); }
  const std::string& what_is_wrong() const noexcept { return wrong_; }
  /// The same for two runs of one seed.
  uint64_t hash() const noexcept { return hash_; }

private:
  struct event {
    int64_t time_us;
    uint64_t number;
    std::function<void()> run;
    friend bool operator<(const event& a, const event& b) {
      return std::pair{a.time_us, a.number} > std::pair{b.time_us, b.number};
    }
  };

  void tell(const std::string& line) const;

  bool is_told_;
  int64_t now_us_ = 0;
  uint64_t number_ = 0;
  uint64_t hash_ = 0xcbf29ce484222325u;
  std::string wrong_;
  std::priority_queue<event> events_;
};

} // namespace footfall::simulator
