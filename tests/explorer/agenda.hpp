#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <vector>

#include "tests/explorer/chance.hpp"

namespace footfall::explorer {

/// What a run did, for the last lines. Plain numbers: it goes through a pipe.
struct tally {
  uint64_t runs = 0;
  uint64_t events = 0;
  uint64_t queries = 0;
  uint64_t answers_checked = 0;
  uint64_t calls = 0;
  uint64_t calls_failed = 0;
  uint64_t calls_lost = 0;
  uint64_t calls_delayed = 0;
  uint64_t kills = 0;
  uint64_t restarts = 0;
  uint64_t stores_back = 0;
  uint64_t turns = 0; ///< Messages and port works, in the order of the seed.

  void add(const tally& x) {
    runs += x.runs;
    events += x.events;
    queries += x.queries;
    answers_checked += x.answers_checked;
    calls += x.calls;
    calls_failed += x.calls_failed;
    calls_lost += x.calls_lost;
    calls_delayed += x.calls_delayed;
    kills += x.kills;
    restarts += x.restarts;
    stores_back += x.stores_back;
    turns += x.turns;
  }
};

/// How often port calls go wrong, in percent, and how late they come.
struct fault_plan {
  bool on = true;
  uint32_t failed = 0; ///< Certainly nothing happened.
  uint32_t lost = 0;   ///< It happened, or will, and the answer says it failed.
  uint32_t slow = 0;
  int64_t delay_most_us = 0;
};

enum class fate : uint8_t { fine, failed, lost };

/// What the ports still have to do: effects, and answers. A piece of work runs once its
/// time has come, in any order but within a lane.
class agenda {
public:
  /// Works of a lane run in the order in which they were added; 0 is no lane.
  enum lane : uint32_t { free_lane = 0, cache_lane = 1, log_lane = 2, reports = 100 };

  agenda(chance& luck, const int64_t& now_us, tally& counts)
      : luck_(luck), now_us_(now_us), counts_(counts) {}

  fault_plan plan;

  fate draw() {
    ++counts_.calls;
    if (!plan.on)
      return fate::fine;
    const auto x = luck_.below(100);
    if (x < plan.failed) {
      ++counts_.calls_failed;
      return fate::failed;
    }
    if (x < plan.failed + plan.lost) {
      ++counts_.calls_lost;
      return fate::lost;
    }
    return fate::fine;
  }

  bool flip() { return luck_.percent(50); }
  template <class List>
  auto one_of(const List& list) {
    return list[luck_.below(std::size(list))];
  }

  /// Runs `run` after a while that is drawn as well.
  void later(std::function<void()> run, uint32_t lane = free_lane) {
    int64_t delay = 0;
    if (plan.on && luck_.percent(plan.slow)) {
      delay = luck_.until(plan.delay_most_us);
      ++counts_.calls_delayed;
    }
    works_.push_back({now_us_ + delay, lane, std::move(run)});
  }

  /// How many may run now.
  size_t due() const {
    due_.clear();
    uint64_t lanes = 0; // Those that have an earlier work.
    for (size_t i = 0; i < works_.size(); ++i) {
      const auto& x = works_[i];
      const auto bit = x.lane == free_lane ? 0 : uint64_t{1} << x.lane % 64;
      if ((lanes & bit) == 0 && x.due_us <= now_us_)
        due_.push_back(i);
      lanes |= bit;
    }
    return due_.size();
  }

  /// Runs the one that is number `n` of those that due() counted.
  void run(size_t n) {
    const auto at = works_.begin() + static_cast<std::ptrdiff_t>(due_[n]);
    auto work = std::move(at->run);
    works_.erase(at);
    work();
  }

  bool empty() const { return works_.empty(); }

  /// Runs all of a lane now, in order, whatever it was to wait for.
  void run_lane(uint32_t lane) {
    for (auto& x : take_lane(lane))
      x.run();
  }
  /// The process ends: of what a lane was to do, the first few are done, and no more.
  void cut_lane(uint32_t lane) {
    auto works = take_lane(lane);
    const auto kept = luck_.below(works.size() + 1);
    for (size_t i = 0; i < kept; ++i)
      works[i].run();
  }
  void drop_lane(uint32_t lane) { take_lane(lane); }

private:
  struct work {
    int64_t due_us;
    uint32_t lane;
    std::function<void()> run;
  };

  std::vector<work> take_lane(uint32_t lane) {
    std::vector<work> out;
    std::vector<work> rest;
    for (auto& x : works_)
      (x.lane == lane ? out : rest).push_back(std::move(x));
    works_ = std::move(rest);
    return out;
  }

  chance& luck_;
  const int64_t& now_us_;
  tally& counts_;
  std::vector<work> works_;
  mutable std::vector<size_t> due_;
};

} // namespace footfall::explorer
