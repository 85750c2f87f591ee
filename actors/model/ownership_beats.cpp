#include "actors/model/ownership.hpp"

#include <algorithm>

#include "proto/seeded_bug.hpp"

// When ownership beats, and what the answer of a beat makes of it.
namespace footfall::model {

using kind = ownership_action::kind;

namespace {

/// Under way at a time: so many connections the store has for them.
constexpr size_t beats_most = 3;

} // namespace

// While one waits for its answer, the next one does not come before its time, whatever asks for
// it: it is there for an answer that is lost, or late, on one connection to the store. Who only
// waits to leave sends none: there would be one under way whenever one is answered.
int64_t ownership::beat_due_us() const {
  if (beats_.size() >= beats_most || (waits() && draining_ && is_idle()))
    return INT64_MAX;
  return waits() ? std::max(next_beat_us_, beat_sent_us_ + rules_.beat_every_us) : next_beat_us_;
}

ownership_actions ownership::tick(int64_t now_us) {
  ownership_actions out;
  go_on(now_us, out);
  if (ended_ || now_us < beat_due_us())
    return out;
  const auto until = lease_asked_until(now_us);
  beat_no_ = ++number_;
  beats_.push_back({beat_no_, now_us, until});
  beat_sent_us_ = now_us;
  next_beat_us_ = now_us + rules_.beat_every_us;
  out.push_back(
      {.what = kind::beat, .number = beat_no_, .spent_us = now_us + rules_.lease_us - until});
  return out;
}

// A further beat asks for no more than the first, or what this node has heard since gives it: of
// one that is heard and hears nothing the store would know for longer, and so would all that are to
// take over. Until it is time to try anew.
int64_t ownership::lease_asked_until(int64_t now_us) const {
  const auto all = now_us + rules_.lease_us;
  const auto first = std::find_if(beats_.begin(), beats_.end(),
                                  [this](auto& x) { return x.number > answered_no_; });
  if (first == beats_.end() || all - first->until_us >= rules_.lease_us / 2)
    return all;
  return std::min(all, std::max(first->until_us, answered_us_ + rules_.lease_us));
}

// Each beat costs the store a look at all nodes, and all of them may be asked at once.
int64_t ownership::soonest_beat_us() const {
  return beat_sent_us_ + std::max(rules_.beat_gap_us, rules_.gap_a_node_us * nodes_);
}

// Looks at the moment at which a lease that was not renewed makes its node late.
void ownership::watch_end_of(const node_row& x) {
  constexpr int64_t beyond_us = 10'000; // Two clocks, and what an answer takes.
  const auto late_in_us = x.left_us.value_or(-rules_.grace_us) + rules_.grace_us;
  if (x.seen == sight::gone || late_in_us <= 0)
    return;
  next_beat_us_ =
      std::min(next_beat_us_, std::max(soonest_beat_us(), now_us_ + late_in_us + beyond_us));
}

void ownership::ask_for_beat(int64_t now_us) {
  const auto soonest = beat_no_ == 0 ? now_us : soonest_beat_us();
  next_beat_us_ = std::min(next_beat_us_, std::max(now_us, soonest));
}

ownership_actions ownership::look(int64_t now_us) {
  ask_for_beat(now_us);
  return tick(now_us);
}

bool ownership::is_news(uint64_t number) const {
  const auto is_it = [&](auto& x) { return x.number == number; };
  return !ended_ && number > answered_no_ && std::any_of(beats_.begin(), beats_.end(), is_it);
}

bool ownership::is_over(uint64_t number, int64_t now_us) const {
  return is_news(number) && std::any_of(beats_.begin(), beats_.end(), [&](auto& x) {
           return x.number == number && now_us >= x.until_us;
         });
}

// Beats go by connections of their own: any may be done first, and be answered first.
ownership_actions ownership::beat_answered(uint64_t number, const beat_answer& answer,
                                           int64_t now_us) {
  ownership_actions out;
  const auto sent =
      std::find_if(beats_.begin(), beats_.end(), [&](auto& x) { return x.number == number; });
  if (!is_news(number)) {
    if (sent != beats_.end())
      beats_.erase(sent);
    return tick(now_us);
  }
  if (is_over(number, now_us))
    return beat_failed(number, now_us); // What it says may be over.
  go_on(now_us, out);
  answered_no_ = number;
  seen_us_ = sent->sent_us;
  auto until = seeded_bug("deadline-from-answer") ? now_us + rules_.lease_us : sent->until_us;
  if (seeded_bug("takes-more-than-asked"))
    until = seen_us_ + rules_.lease_us;
  beats_.erase(sent);
  if (!answer.renewed) {
    for (auto& [partition, x] : holdings_)
      if (x.at == phase::running)
        stop(partition, x, out);
    ended_ = true;
    out.push_back({.what = kind::end});
    return out;
  }
  lease_until_us_ = until;
  if (eyes_since_us_ < 0 || now_us - answered_us_ > rules_.pause_us)
    open_eyes();
  // Nobody told for as long as a lease that others read the log. A beat that failed is no such gap:
  // who has partitions and no log would keep them for as long as one fails now and then.
  if (now_us - answered_us_ > rules_.lease_us)
    others_read_since_us_ = -1;
  answered_us_ = now_us;
  nodes_ = static_cast<int64_t>(answer.nodes.size());
  auto judged = judge(answer);
  judge_log(judged);
  judged.front() = self();
  const auto targets = target(answer.partitions, judged);
  for (size_t i = 0; i < targets.size(); ++i)
    take_row(answer.partitions[i], targets[i] == me_.node, judged, out);
  if (is_done(answer)) {
    ended_ = true;
    out.push_back({.what = kind::leave});
    return out;
  }
  const auto more = tick(now_us);
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

ownership_actions ownership::beat_failed(uint64_t number, int64_t now_us) {
  const auto sent =
      std::find_if(beats_.begin(), beats_.end(), [&](auto& x) { return x.number == number; });
  if (sent != beats_.end()) {
    beats_.erase(sent);
    if (number > answered_no_)
      eyes_since_us_ = -1;
  }
  return tick(now_us);
}

bool ownership::is_idle() const {
  return std::all_of(holdings_.begin(), holdings_.end(),
                     [](auto& x) { return x.second.at == phase::idle; });
}

// Nothing is under way, and a beat that was sent since then names this process nowhere. A beat
// that the store does later would make it a node again.
bool ownership::is_done(const beat_answer& answer) const {
  if (!draining_ || !beats_.empty() || !is_idle())
    return false;
  for (const auto& [partition, x] : holdings_)
    if (seen_us_ < x.known_us)
      return false;
  return std::none_of(answer.partitions.begin(), answer.partitions.end(),
                      [&](auto& row) { return row.owner == me_; });
}

} // namespace footfall::model
