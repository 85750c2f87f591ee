#include "actors/model/backlog.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

namespace footfall::model {

namespace {
constexpr int64_t step_first_us = 1'000;
constexpr double pace_memory_us = 5e6;
constexpr double full_batch_us = 1e5; ///< What one is taken to need until the pace is measured.
} // namespace

// Of what is appended while the node runs it knows when it arrived, if somebody is told that
// it was accepted. What stands in the log at its start, or was applied and forgotten, may have
// been appended by its like, and a record that is older in the log may have arrived later.
void backlog::start(int64_t next_offset, int64_t latest_us, size_t batch_max, int64_t steady_us,
                    standing log) {
  const auto known = end();
  const bool is_first = !std::exchange(is_started_, true);
  late_us_ = log.late_us;
  if (next_offset < applied_) // The store went back: what it lost waits again.
    marks_.push_front({applied_, latest_us, true, true});
  while (!marks_.empty() && marks_.front().end <= next_offset)
    marks_.pop_front();
  for (auto& x : marks_)
    if (x.is_guessed) { // It stands behind that record.
      x.since_us = std::max(x.since_us, latest_us);
      x.is_late = x.is_late || is_first;
    }
  applied_ = next_offset;
  batch_max_ = static_cast<int64_t>(batch_max);
  if (progress_at_us_ == 0)
    progress_at_us_ = steady_us;
  newest_us_ = known > next_offset ? std::max(newest_us_, latest_us) : latest_us;
  if (is_first && log.end > end())
    push({log.end, guess(newest_us_), true, true});
}

void backlog::start_among_others(int64_t next_offset, int64_t latest_us, size_t batch_max,
                                 int64_t steady_us, standing log) {
  auto begin = applied_;
  const auto before = std::move(marks_);
  forget_offsets();
  start(next_offset, latest_us, batch_max, steady_us, log);
  for (const auto& x : before) {
    if (!x.is_guessed)
      learn(begin, x.end, x.since_us, x.since_us, steady_us);
    begin = x.end;
  }
}

void backlog::forget_offsets() {
  marks_.clear();
  applied_ = 0;
  newest_us_ = 0;
  is_started_ = false;
}

void backlog::learn(int64_t first, int64_t end, int64_t oldest_us, int64_t latest_us,
                    int64_t steady_us) {
  first = std::max(first, applied_);
  if (first >= end)
    return;
  if (!has_known())
    progress_at_us_ = std::max(progress_at_us_, steady_us);
  auto known = this->end();
  if (known < first) { // Nothing waited, or what stands between follows what is known.
    push({first, guess(marks_.empty() && is_started_ ? oldest_us : newest_us_), true, false});
    known = first;
  }
  if (first < known)
    refine(first, std::min(end, known), oldest_us, latest_us);
  if (end > known) {
    push({end, oldest_us, false, false});
    newest_us_ = std::max(newest_us_, latest_us);
  }
  shrink();
}

void backlog::learn_of_others(int64_t first, int64_t end, int64_t arrived_us, int64_t steady_us) {
  learn(first, end, arrived_us, arrived_us, steady_us);
  auto begin = applied_;
  for (auto& x : marks_) {
    if (begin < end && x.end > first)
      x.since_us = std::min(x.since_us, arrived_us);
    begin = x.end;
  }
}

// An append that is not settled may be what stands there.
int64_t backlog::guess(int64_t us) const {
  return sent_.empty() ? us : std::min(us, sent_.begin()->first);
}

// What was guessed of these offsets is known now, and of those behind that they came later.
void backlog::refine(int64_t first, int64_t end, int64_t oldest_us, int64_t latest_us) {
  if (std::none_of(marks_.begin(), marks_.end(), [](const mark& x) { return x.is_guessed; }))
    return;
  std::deque<mark> out;
  auto begin = applied_;
  for (const auto& x : marks_) {
    const auto from = std::max(begin, first);
    const auto until = std::min(x.end, end);
    if (!x.is_guessed || from >= until) {
      out.push_back(x);
    } else {
      if (begin < from)
        out.push_back({from, x.since_us, true, x.is_late});
      out.push_back({until, oldest_us, false, false});
      if (until < x.end)
        out.push_back({x.end, std::max(x.since_us, latest_us), true, x.is_late});
    }
    begin = x.end;
  }
  marks_ = std::move(out);
}

int64_t backlog::first_unknown(int64_t first, int64_t end) const {
  auto at = std::max(first, applied_);
  for (const auto& x : marks_) {
    if (x.end <= at)
      continue;
    if (x.is_guessed || at >= end)
      break;
    at = x.end;
  }
  return std::min(at, end);
}

void backlog::reach(int64_t end) {
  if (end <= this->end())
    return;
  push({end, guess(newest_us_), true, false});
  shrink();
}

void backlog::apply(int64_t below, int64_t latest_us, int64_t steady_us) {
  assert(below >= applied_);
  keep_pace(below - applied_, end() - below, steady_us);
  while (!marks_.empty() && marks_.front().end <= below)
    marks_.pop_front();
  applied_ = below;
  newest_us_ = std::max(newest_us_, latest_us);
  if (!marks_.empty() && marks_.front().is_guessed)
    marks_.front().since_us = std::max(marks_.front().since_us, latest_us);
}

// What is applied while hardly anything waits says nothing of how much could be.
void backlog::keep_pace(int64_t records, int64_t left, int64_t steady_us) {
  progress_at_us_ = steady_us;
  if (left < batch_max_) {
    paced_records_ = paced_us_ = 0;
    paced_at_us_ = 0;
    return;
  }
  if (paced_at_us_ != 0) {
    const auto took = static_cast<double>(std::max<int64_t>(steady_us - paced_at_us_, 1));
    const auto kept = std::exp(-took / pace_memory_us);
    paced_records_ = paced_records_ * kept + static_cast<double>(records);
    paced_us_ = paced_us_ * kept + took;
  }
  paced_at_us_ = steady_us;
}

backlog::outlook backlog::look_ahead(int64_t limit_us, int64_t steady_us) const {
  if (!is_started_) // Nothing is known of what waits.
    return {0, std::numeric_limits<int64_t>::max(), false};
  const auto ahead = end() - applied_ + sent_records_;
  auto each_us = full_batch_us / static_cast<double>(batch_max_);
  if (paced_us_ > 0) {
    // An apply that takes much longer than those before lowers the pace while it lasts.
    const auto since = static_cast<double>(std::max<int64_t>(steady_us - paced_at_us_, 0));
    each_us = (paced_us_ + since) / paced_records_;
  }
  const auto in_limit = static_cast<int64_t>(static_cast<double>(limit_us) / each_us);
  outlook out;
  if (ahead >= batch_max_) // Less is applied in one step.
    out.wait_us = static_cast<int64_t>(static_cast<double>(ahead) * each_us);
  out.room = std::max<int64_t>(std::max(in_limit, batch_max_) - ahead, 0);
  // Not the age of the oldest alone: while a backlog drains it stays as high as it was.
  // Nor what is guessed: at the first record after a silence that is the record before.
  const auto stalled = has_known() ? steady_us - progress_at_us_ : int64_t{0};
  if (stalled > std::max(out.wait_us, limit_us))
    out = {stalled, 0, true};
  return out;
}

void backlog::send(int64_t arrival_us, int64_t records) {
  ++sent_[arrival_us];
  sent_records_ += records;
}

void backlog::settle(int64_t arrival_us, int64_t records) {
  auto at = sent_.find(arrival_us);
  if (at == sent_.end())
    return; // Forgotten.
  sent_records_ -= records;
  if (--at->second == 0)
    sent_.erase(at);
}

void backlog::forget_sent() {
  sent_.clear();
  sent_records_ = 0;
}

std::optional<int64_t> backlog::oldest_from(int64_t applied, int64_t late_us) const {
  std::optional<int64_t> out;
  for (const auto& x : marks_) {
    const auto since_us = x.is_late ? std::max<int64_t>(x.since_us - late_us, 0) : x.since_us;
    if (x.end > applied && (!out || since_us < *out))
      out = since_us;
  }
  return out;
}

bool backlog::has_known() const {
  return std::any_of(marks_.begin(), marks_.end(), [](const mark& x) { return !x.is_guessed; });
}

std::optional<int64_t> backlog::complete_until(int64_t applied) const {
  if (!is_started_ || applied < applied_)
    return 0; // When that arrived which is applied is forgotten.
  auto out = oldest_from(applied, late_us_);
  if (!sent_.empty() && (!out || sent_.begin()->first < *out))
    out = sent_.begin()->first;
  return out;
}

void backlog::push(const mark& x) {
  if (marks_.size() < marks_max / 4)
    step_us_ = marks_.empty() ? step_first_us : std::max(step_us_ / 2, step_first_us);
  if (marks_.empty()) {
    marks_.push_back(x);
    return;
  }
  if (auto& last = marks_.back(); last.is_guessed == x.is_guessed && last.is_late == x.is_late
                                  && x.since_us >= last.since_us
                                  && x.since_us - last.since_us < step_us_) {
    last.end = x.end;
    return;
  }
  marks_.push_back(x);
}

void backlog::shrink() {
  while (marks_.size() > marks_max) {
    step_us_ *= 2;
    std::deque<mark> out;
    for (const auto& x : marks_) {
      if (out.empty() || x.since_us - out.back().since_us >= step_us_) {
        out.push_back(x);
        continue;
      }
      auto& last = out.back();
      last = {x.end, std::min(last.since_us, x.since_us), last.is_guessed && x.is_guessed,
              last.is_late || x.is_late};
    }
    marks_ = std::move(out);
  }
  assert(marks_.empty() || marks_.front().end > applied_);
}

} // namespace footfall::model
