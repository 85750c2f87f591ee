#include "tests/simulator/world.hpp"

#include <cassert>

namespace footfall::simulator {

const char* name_of(fault x) noexcept {
  constexpr const char* names[] = {
      "kill -9",          "SIGSTOP",      "cut both ways", "cut from the store",
      "cut to the store", "SIGTERM",      "quick restart", "second process of a name",
      "connection lost",  "store hangs",  "store crashes", "log away",
      "false DOWN",       "message lost", "message slow"};
  static_assert(std::size(names) == static_cast<size_t>(fault::count));
  return names[static_cast<size_t>(x)];
}

void tally::add(const tally& x) {
  histories += x.histories;
  events += x.events;
  beats += x.beats;
  claims += x.claims;
  moves += x.moves;
  applies += x.applies;
  answers += x.answers;
  stops += x.stops;
  for (size_t i = 0; i < faults.size(); ++i)
    faults[i] += x.faults[i];
}

void world::at(int64_t time_us, std::function<void()> run) {
  assert(time_us >= now_us_);
  events_.push({time_us, ++number_, std::move(run)});
}

void world::run_until(int64_t end_us) {
  while (!is_wrong() && !events_.empty() && events_.top().time_us <= end_us) {
    const auto next = events_.top();
    events_.pop();
    now_us_ = next.time_us;
    for (auto x : {static_cast<uint64_t>(next.time_us), next.number})
      hash_ = (hash_ ^ x) * 0x100000001b3u;
    ++counts.events;
    next.run();
  }
  if (!is_wrong())
    now_us_ = end_us;
}

void world::wrong(const std::string& what) {
  note([&] { return "WRONG: " + what; });
  if (wrong_.empty())
    wrong_ = what;
}

void world::tell(const std::string& line) const {
  std::printf("  %9.4f s  %s\n", static_cast<double>(now_us_) / 1e6, line.c_str());
}

} // namespace footfall::simulator
