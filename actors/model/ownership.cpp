#include "actors/model/ownership.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "proto/seeded_bug.hpp"

namespace footfall::model {

using kind = ownership_action::kind;

ownership::ownership(owner_id me, bool aggregates, const rules& rules)
    : me_(std::move(me)), aggregates_(aggregates), rules_(rules) {
  assert(!me_.nobody() && me_.incarnation > 0 && rules_.live_us < rules_.lease_us);
}

int64_t ownership::wake_us() const noexcept {
  const auto runs = [](auto& x) { return x.second.at == phase::running; };
  int64_t out = beat_due_us();
  if (std::any_of(holdings_.begin(), holdings_.end(), runs))
    out = std::min(out, lease_until_us_);
  return out;
}

// What every call does with the time it is told, first the end of the lease and last a beat.
void ownership::go_on(int64_t now_us, ownership_actions& to) {
  assert(now_us >= now_us_);
  now_us_ = now_us;
  if (ended_)
    return;
  expire(to);
}

void ownership::expire(ownership_actions& to) {
  if (now_us_ < lease_until_us_ || seeded_bug("runs-past-deadline"))
    return;
  for (auto& [partition, x] : holdings_)
    if (x.at == phase::running)
      stop(partition, x, to);
}

void ownership::stop(uint32_t partition, holding& x, ownership_actions& to) {
  assert(x.at == phase::running);
  to.push_back({.what = kind::stop, .partition = partition, .epoch = x.epoch});
  x.at = phase::idle;
  x.known_us = now_us_;
}

node_row ownership::self() const {
  return {me_, sight::live, aggregates_, draining_, log_, beat_no_};
}

// Of one that renews its lease a little too late nobody is to take anything: what it has would move
// here and back. Until then it applies nothing, as it knows no lease.
bool ownership::is_late(const node_row& x) const {
  return x.seen == sight::late && x.left_us.value_or(-rules_.grace_us) <= -rules_.grace_us;
}

// A store that hung, or this process, which was stopped, makes all leases look old: who sees
// others late must have looked on for as long as a lease.
bool ownership::has_fresh_eyes(int64_t sent_us) const {
  return sent_us - eyes_since_us_ >= rules_.lease_us || seeded_bug("no-fresh-eyes");
}

// Whoever reconnects is gone for a moment: two beats must say so, of which the second was sent
// some time after the first was answered, without a sign of life in between; or one and CAF. The
// store says no more that it is gone once its lease is over.
sight ownership::judge(const node_row& x, suspicion& known) const {
  const bool is_same = known.gone_since_us >= 0 && known.of == x.id && known.beat == x.beat;
  const bool is_gone = x.seen == sight::gone || (x.seen == sight::late && is_same);
  if (!is_gone)
    known.gone_since_us = -1;
  else if (!is_same)
    known.gone_since_us = now_us_;
  known.of = x.id;
  known.beat = x.beat;
  if (is_late(x) && has_fresh_eyes(seen_us_))
    return sight::late;
  if (is_gone) {
    const bool is_sure =
        seen_us_ - known.gone_since_us >= rules_.gone_us || now_us_ < known.hinted_until_us;
    return is_sure || seeded_bug("gone-at-one-sight") ? sight::gone : sight::live;
  }
  return sight::live;
}

// What was seen before a pause is not the first of two in a row: meanwhile all may have lost
// their connections and made them anew.
void ownership::open_eyes() {
  eyes_since_us_ = now_us_;
  for (auto& [node, x] : suspicions_)
    x.gone_since_us = -1;
}

std::vector<node_row> ownership::judge(const beat_answer& answer) {
  std::vector<node_row> out{self()};
  std::map<std::string, suspicion> known;
  in_doubt_ = false;
  for (const auto& row : answer.nodes) {
    if (row.id.node == me_.node)
      continue;
    auto& of = known[row.id.node];
    if (const auto before = suspicions_.find(row.id.node); before != suspicions_.end())
      of = before->second;
    out.push_back(row);
    out.back().seen = judge(row, of);
    in_doubt_ |= out.back().seen != row.seen;
    watch_end_of(row);
  }
  suspicions_ = std::move(known);
  return out;
}

void ownership::judge_log(const std::vector<node_row>& nodes) {
  const bool others_read = std::any_of(nodes.begin(), nodes.end(), [&](auto& x) {
    return x.id != me_ && may_own(x) && x.log == log_reach::works;
  });
  if (!others_read)
    others_read_since_us_ = -1;
  else if (others_read_since_us_ < 0)
    others_read_since_us_ = now_us_;
  if (log_ == log_reach::works || !others_read)
    return;
  if (now_us_ - std::max(others_read_since_us_, log_failed_us_) >= rules_.log_patience_us)
    log_ = log_reach::lost;
}

void ownership::take_row(const partition_row& row, bool is_target,
                         const std::vector<node_row>& judged, ownership_actions& to) {
  auto& x = holdings_[row.partition];
  if (x.at == phase::running)
    return take_own_row(row, is_target, x, to);
  if (x.at != phase::idle || seen_us_ < x.known_us)
    return;
  if (!is_target) {
    if (row.owner == me_ && gives_away() && !seeded_bug("releases-once"))
      release(row.partition, row.epoch, to);
    return;
  }
  const auto owner =
      std::find_if(judged.begin(), judged.end(), [&](auto& node) { return node.id == row.owner; });
  const bool is_held = owner != judged.end() && owner->seen == sight::live && row.owner != me_;
  if (!is_held || seeded_bug("claims-blindly"))
    claim(row, owner != judged.end() && owner->seen == sight::gone, to);
}

void ownership::take_own_row(const partition_row& row, bool is_target, holding& x,
                             ownership_actions& to) {
  if (row.owner == me_ && row.epoch == x.epoch) {
    x.confirmed_us = std::max(x.confirmed_us, seen_us_);
    if (!is_target && gives_away())
      release(row.partition, x.epoch, to);
  } else if (row.epoch > x.epoch || seen_us_ > x.known_us) {
    stop(row.partition, x, to); // Another claim was later, or the store has gone back.
  }
}

void ownership::claim(const partition_row& seen, bool early, ownership_actions& to) {
  auto& x = holdings_[seen.partition];
  assert(x.at == phase::idle && !ended_);
  x.at = phase::claiming;
  x.number = ++number_;
  x.sent_us = now_us_;
  x.epoch = seen.epoch;
  to.push_back({kind::claim, seen.partition, x.number, seen.owner, seen.epoch, early});
}

void ownership::release(uint32_t partition, int64_t epoch, ownership_actions& to) {
  auto& x = holdings_[partition];
  assert(x.at == phase::idle || x.at == phase::running);
  x.at = phase::releasing;
  x.number = ++number_;
  x.epoch = epoch;
  to.push_back({.what = kind::release, .partition = partition, .number = x.number, .epoch = epoch});
}

ownership_actions ownership::claimed(uint32_t partition, uint64_t number, int64_t epoch,
                                     int64_t now_us) {
  ownership_actions out;
  go_on(now_us, out);
  auto& x = holdings_[partition];
  const bool is_answer =
      x.at == phase::claiming && (x.number == number || seeded_bug("takes-answer-of-older-claim"));
  if (ended_ || !is_answer)
    return out;
  assert(epoch > x.epoch); // It was seen, and a claim raises it.
  x.known_us = now_us;
  x.at = phase::idle;
  if (draining_) {
    release(partition, epoch, out);
  } else if (now_us < lease_until_us_) { // Else the next beat claims once more.
    x.at = phase::running;
    x.epoch = epoch;
    x.confirmed_us = x.sent_us;
    out.push_back({.what = kind::run, .partition = partition, .epoch = epoch});
  }
  return out;
}

ownership_actions ownership::not_claimed(uint32_t partition, uint64_t number, int64_t now_us) {
  ownership_actions out;
  go_on(now_us, out);
  auto& x = holdings_[partition];
  if (x.at == phase::claiming && x.number == number) {
    x.at = phase::idle;
    x.known_us = now_us;
  }
  return out;
}

ownership_actions ownership::release_ended(uint32_t partition, uint64_t number, int64_t now_us) {
  auto& x = holdings_[partition];
  if (x.at == phase::releasing && x.number == number) {
    x.at = phase::idle;
    x.known_us = now_us;
    if (draining_)
      ask_for_beat(now_us);
  }
  return tick(now_us);
}

ownership_actions ownership::fenced(uint32_t partition, int64_t epoch, int64_t now_us) {
  ownership_actions out;
  go_on(now_us, out);
  auto& x = holdings_[partition];
  if (x.at != phase::running || x.epoch != epoch)
    return out;
  stop(partition, x, out);
  if (seeded_bug("fenced-claims-by-itself"))
    claim({partition, me_, epoch}, false, out);
  const auto more = look(now_us);
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

ownership_actions ownership::apply_failed(uint32_t partition, int64_t epoch, int64_t now_us) {
  ownership_actions out;
  go_on(now_us, out);
  auto& x = holdings_[partition];
  if (x.at != phase::running || x.epoch != epoch)
    return out;
  stop(partition, x, out);
  claim({partition, me_, epoch}, false, out);
  return out;
}

ownership_actions ownership::peer_down(const std::string& node, int64_t now_us) {
  if (const auto found = suspicions_.find(node); found != suspicions_.end())
    found->second.hinted_until_us = now_us + rules_.hint_us;
  return look(now_us);
}

ownership_actions ownership::log_fails(int64_t now_us, int64_t since_us) {
  if (log_ == log_reach::works) {
    log_ = log_reach::fails;
    log_failed_us_ = std::min(now_us, since_us);
  }
  return tick(now_us);
}

ownership_actions ownership::log_works(int64_t now_us) {
  if (std::exchange(log_, log_reach::works) == log_reach::works)
    return tick(now_us);
  return look(now_us);
}

ownership_actions ownership::drain(int64_t now_us) {
  ownership_actions out;
  go_on(now_us, out);
  draining_ = true;
  for (auto& [partition, x] : holdings_)
    if (x.at == phase::running)
      release(partition, x.epoch, out);
  const auto more = look(now_us);
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

ownership_rules ownership_rules::for_lease(int64_t lease_us) {
  ownership_rules out;
  out.lease_us = lease_us;
  out.beat_every_us = std::min(out.beat_every_us, lease_us / 6);
  out.grace_us = lease_us / 12;
  out.pause_us = lease_us / 2;
  out.live_us = std::min(out.live_us, lease_us * 2 / 3);
  return out;
}

std::optional<int64_t> live_as_of(const freshness& x, int64_t live_us, int64_t now_us,
                                  int64_t applied_us, std::optional<int64_t> applying_us) {
  if (now_us > x.until_us)
    return {};
  if (seeded_bug("as-of-now"))
    return now_us;
  const auto out = std::min(std::max(x.confirmed_us, applied_us), applying_us.value_or(INT64_MAX));
  if (now_us - out > live_us)
    return {};
  return out;
}

freshness ownership::freshness_of(uint32_t partition) const {
  const auto found = holdings_.find(partition);
  if (found == holdings_.end() || found->second.at != phase::running)
    return {};
  const auto confirmed = found->second.confirmed_us;
  return {confirmed, std::min(confirmed + rules_.live_us, lease_until_us_)};
}

int64_t ownership::runs_with(uint32_t partition) const {
  const auto found = holdings_.find(partition);
  if (found == holdings_.end() || found->second.at != phase::running)
    return 0;
  return found->second.epoch;
}

} // namespace footfall::model
