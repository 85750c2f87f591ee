#include "app/import/applied_watch.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include <simdjson.h>

#include "app/import/interrupt.hpp"

namespace footfall::app {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// What the node takes in one question.
constexpr size_t ranges_max = 64;
constexpr uint64_t positions_max = 1 << 16;
// What is gathered before it is asked.
constexpr uint64_t events_gathered = 20'000;
constexpr milliseconds between_questions{1000};
/// More is not remembered: the node does not tell it.
constexpr size_t ranges_kept = 4096;

uint64_t number(simdjson::dom::element object, const char* name) {
  uint64_t out = 0;
  return object[name].get(out) == simdjson::SUCCESS ? out : 0;
}

} // namespace

void applied_watch::add(const position& at) {
  if (!is_told_)
    return;
  const position_range own{at.partition, at.offset, at.offset};
  auto [found, is_new] = growing_.try_emplace(at.partition, own);
  auto& range = found->second;
  ++waiting_;
  if (is_new)
    return;
  if (range.last + 1 == at.offset
      && at.offset - range.first < static_cast<int64_t>(positions_max)) {
    range.last = at.offset;
    return;
  }
  keep(std::exchange(range, own));
}

void applied_watch::keep(const position_range& x) {
  if (ranges_.size() < ranges_kept)
    ranges_.push_back(x);
  else
    waiting_ -= static_cast<uint64_t>(x.last - x.first + 1);
}

void applied_watch::ask_some() {
  const auto now = steady_clock::now();
  if (waiting_ == 0 || (waiting_ < events_gathered && now - asked_ < between_questions))
    return;
  asked_ = now;
  ask();
}

void applied_watch::ask_all(milliseconds most) {
  const auto end = steady_clock::now() + most;
  while (waiting_ > 0 && ask() && waiting_ > 0 && steady_clock::now() < end && !is_interrupted())
    std::this_thread::sleep_for(milliseconds{20});
}

bool applied_watch::ask() {
  std::string target = "/v1/applied?ranges=";
  uint64_t positions = 0;
  size_t asked = 0;
  for (const auto& x : std::exchange(growing_, {}))
    keep(x.second);
  for (const auto& x : ranges_) {
    positions += static_cast<uint64_t>(x.last - x.first + 1);
    if (asked == ranges_max || positions > positions_max)
      break;
    target += (asked++ == 0 ? "" : ",") + std::to_string(x.partition) + ':'
              + std::to_string(x.first) + '-' + std::to_string(x.last);
  }
  const auto answer = client_.get(target);
  is_told_ = answer.status != 404 && answer.status != 405;
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::array told;
  if (answer.status != 200 || parser.parse(answer.body).get(root) != simdjson::SUCCESS
      || root["ranges"].get(told) != simdjson::SUCCESS || told.size() != asked)
    return false;
  counts_.is_news_known = true;
  std::vector<position_range> left;
  size_t i = 0;
  for (auto x : told) {
    auto range = ranges_[i++];
    const auto waits = number(x, "waiting");
    counts_.fresh += number(x, "new");
    counts_.already += number(x, "duplicate");
    waiting_ -= static_cast<uint64_t>(range.last - range.first + 1) - waits;
    // What is not applied yet stands behind all that is.
    range.first = range.last + 1 - static_cast<int64_t>(waits);
    if (waits > 0)
      left.push_back(range);
  }
  // What still waits goes behind what was not asked for yet.
  ranges_.erase(ranges_.begin(), ranges_.begin() + static_cast<long>(asked));
  ranges_.insert(ranges_.end(), left.begin(), left.end());
  return true;
}

} // namespace footfall::app
