#include "actors/model/partition_progress.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace footfall::model {

using kind = progress_step::kind;

void partition_progress::forget_work() {
  pending_.clear();
  pending_bytes_ = 0;
  credit_ = 0;
  in_flight_.clear();
  folding_ = fold_awaited_ = fold_paused_ = gathering_ = false;
}

void partition_progress::claim() {
  ++claim_no_;
  phase_ = phase::claiming;
  forget_work();
}

int64_t partition_progress::claim_later() {
  claim();
  backoff_us_ = std::clamp(backoff_us_ * 2, rules_.backoff_first_us, rules_.backoff_most_us);
  return backoff_us_;
}

void partition_progress::stop() {
  ++claim_no_;
  phase_ = phase::stopped;
  forget_work();
  in_flight_end_ = read_offset_ = next_offset_;
}

void partition_progress::stand_at(int64_t next_offset, int64_t folded_offset) {
  assert(!running());
  next_offset_ = in_flight_end_ = read_offset_ = next_offset;
  folded_offset_ = folded_offset;
  fold_until_ = 0;
}

progress_steps partition_progress::start(int64_t epoch, int64_t next_offset,
                                         int64_t folded_offset) {
  assert(phase_ == phase::claiming && folded_offset <= next_offset);
  epoch_ = epoch;
  stand_at(next_offset, folded_offset);
  folds_.start(next_offset);
  phase_ = phase::running;
  progress_steps out;
  add_credit(out);
  if (folded_offset_ < next_offset_)
    out.push_back({kind::fold});
  return out;
}

void partition_progress::take_batch(int64_t next_offset, int64_t log_end,
                                    std::vector<log_entry> entries) {
  assert(running() && next_offset > read_offset_);
  credit_ -= std::min<uint32_t>(credit_, 1);
  log_end_ = log_end;
  for (auto& entry : entries) {
    assert(entry.offset >= read_offset_ && entry.offset < next_offset);
    read_offset_ = entry.offset + 1;
    pending_bytes_ += entry.value.size();
    pending_.push_back(std::move(entry));
  }
  read_offset_ = next_offset;
}

void partition_progress::add_apply(progress_steps& to, int64_t now_us) {
  if (!running() || applying() || read_offset_ == next_offset_)
    return;
  // An apply costs nearly the same whatever is in it: many clients wait a moment, so that it holds
  // more. A lone one never waits, nor does a full batch.
  const bool many = applied_records_ >= rules_.gather_from;
  const auto wait = many ? applied_at_us_ + rules_.gather_us - now_us : 0;
  if (pending_.size() < rules_.batch_max && wait > 0) {
    if (!std::exchange(gathering_, true))
      to.push_back({kind::apply_later, wait});
    return;
  }
  auto records = std::min(pending_.size(), rules_.batch_max);
  if (records > 0) {
    records = std::min(records, rules_.unfolded_max - std::min(unfolded(), rules_.unfolded_max));
    if (records == 0)
      return to.push_back({kind::wait_for_folds});
  }
  send_off(records);
  to.push_back({kind::apply});
}

void partition_progress::send_off(size_t records) {
  const auto end = pending_.begin() + static_cast<std::ptrdiff_t>(records);
  in_flight_.assign(std::make_move_iterator(pending_.begin()), std::make_move_iterator(end));
  pending_.erase(pending_.begin(), end);
  for (const auto& entry : in_flight_)
    pending_bytes_ -= entry.value.size();
  // What was read last may end in offsets without a record.
  in_flight_end_ = pending_.empty() ? read_offset_ : in_flight_.back().offset + 1;
  assert(in_flight_end_ > next_offset_ && in_flight_end_ <= read_offset_);
}

void partition_progress::add_credit(progress_steps& to) {
  if (!running() || pending_.size() >= rules_.batch_max
      || pending_bytes_ >= rules_.pending_bytes_max)
    return;
  const auto more = rules_.batches_ahead - std::min(credit_, rules_.batches_ahead);
  if (more == 0)
    return;
  credit_ += more;
  to.push_back({kind::credit, 0, more});
}

void partition_progress::add_fold(progress_steps& to) {
  const auto behind = next_offset_ - folded_offset_;
  if (!running() || behind <= 0 || folding_ || fold_paused_)
    return;
  if (behind >= static_cast<int64_t>(rules_.fold_max) || folded_offset_ < fold_until_)
    to.push_back({kind::fold});
  else if (!std::exchange(fold_awaited_, true))
    to.push_back({kind::fold_later, rules_.fold_every_us});
}

progress_steps partition_progress::next(int64_t now_us) {
  progress_steps out;
  add_apply(out, now_us);
  add_credit(out);
  return out;
}

progress_steps partition_progress::gathered(int64_t now_us) {
  gathering_ = false;
  return next(now_us);
}

void partition_progress::applied(int64_t now_us) {
  assert(running() && applying());
  applied_at_us_ = now_us;
  backoff_us_ = 0;
  next_offset_ = in_flight_end_;
  applied_records_ = in_flight_.size();
  folds_.add(next_offset_, in_flight_.size(), folding_ ? fold_end_ : folded_offset_,
             std::min(rules_.fold_step, rules_.fold_max));
  in_flight_.clear();
}

progress_steps partition_progress::go_on(int64_t now_us) {
  auto out = next(now_us);
  add_fold(out);
  return out;
}

bool partition_progress::fold_due() {
  fold_awaited_ = fold_paused_ = false;
  return begin_fold();
}

bool partition_progress::begin_fold() {
  if (!running() || folding_ || fold_paused_ || folded_offset_ >= next_offset_)
    return false;
  if (folded_offset_ >= fold_until_ && rules_.fold_step < rules_.fold_max)
    fold_until_ = next_offset_;
  const bool is_behind = unfolded() >= std::min(rules_.fold_max, 4 * rules_.fold_step);
  fold_end_ = folds_.end(folded_offset_,
                         is_behind ? rules_.fold_max : std::min(rules_.fold_step, rules_.fold_max));
  assert(fold_end_ > folded_offset_ && fold_end_ <= next_offset_);
  return folding_ = true;
}

progress_steps partition_progress::folded(int64_t now_us) {
  assert(folding_);
  folding_ = false;
  folded_offset_ = fold_end_;
  return go_on(now_us);
}

progress_steps partition_progress::fold_failed(int64_t now_us) {
  folding_ = false;
  fold_until_ = 0;
  progress_steps out;
  if (running()) {
    fold_paused_ = true;
    if (!std::exchange(fold_awaited_, true))
      out.push_back({kind::fold_later, rules_.fold_every_us});
  }
  add_apply(out, now_us); // Which may wait for folds, and says so.
  return out;
}

progress_steps partition_progress::learn_folded(int64_t folded_offset, int64_t now_us) {
  folding_ = false;
  if (folded_offset <= folded_offset_)
    return fold_failed(now_us);
  folded_offset_ = std::min(folded_offset, next_offset_);
  return go_on(now_us);
}

} // namespace footfall::model
