#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "actors/model/fold_plan.hpp"
#include "proto/record.hpp"

namespace footfall::model {

struct progress_rules {
  size_t batch_max = 5'000; ///< Records in one apply.
  size_t fold_max = 20'000; ///< Log records in one fold.
  size_t fold_step =
      20'000; ///< About the same while fewer than four of it wait; one apply at least.
  size_t unfolded_max = 500'000;              ///< Log records that are applied and not folded.
  size_t pending_bytes_max = size_t{8} << 20; ///< Beyond it no more is read.
  uint32_t batches_ahead = 2;                 ///< That the reader may send.
  int64_t gather_us = 5'000;                  ///< Between two applies of many clients.
  size_t gather_from = 4;                     ///< Records: an apply of so many had many clients.
  int64_t fold_every_us = 250'000;
  int64_t backoff_first_us = 50'000;
  int64_t backoff_most_us = 1'000'000;
};

/// What a partition is to do now.
struct progress_step {
  enum class kind : uint8_t {
    apply,          ///< The records in flight.
    apply_later,    ///< Call gathered() after `us`.
    wait_for_folds, ///< Nothing: too much is applied and not folded.
    credit,         ///< Let the reader send `count` more batches.
    fold,           ///< Call begin_fold(), in a message of its own.
    fold_later      ///< Call fold_due(), after `us`.
  };
  kind what = kind::apply;
  int64_t us = 0;
  uint32_t count = 0;
};
using progress_steps = std::vector<progress_step>;

/// How far one partition is, and what it does next: it claims its slice of the store, reads
/// its log by credit, applies in the order of offsets, and folds. What happened goes in,
/// what is to be done comes out; who obeys talks to store, log and clock.
///
/// Invariants: folded_offset() <= next_offset() <= in_flight_end() <= read_offset() while it
/// runs; one apply and one fold under way at most; nothing of an earlier claim counts: every
/// answer is for the claim_no() at which it was asked, and others must not come in here.
/// One thread. Times are microseconds of a clock that does not jump.
class partition_progress {
public:
  enum class phase : uint8_t {
    claiming, ///< It does not know yet where it stands, or may not go on there.
    running,
    stopped ///< People must say what to do.
  };

  /// Claims are numbered from above `before`: who takes the place of one that died counts
  /// from elsewhere, so that nothing of that one is taken for an answer to this one.
  explicit partition_progress(const progress_rules& rules = {}, uint64_t before = 0)
      : rules_(rules), before_(before), claim_no_(before) {}

  /// Begins a claim: what is under way belongs to the past.
  void claim();
  /// The same after a failure. @returns after how many microseconds to call claim(); each
  /// time in a row it is twice as long.
  int64_t claim_later();
  /// The log is another one, and ends elsewhere.
  void forget_log_end() { log_end_ = 0; }
  /// The failure has another cause than before, or none any more.
  void forget_failures() { backoff_us_ = 0; }
  /// The claim has stopped, or what ran; it stands where a claim said, or where it was.
  void stop();
  void stand_at(int64_t next_offset, int64_t folded_offset);
  /// The claim was successful: it goes on from `next_offset`.
  progress_steps start(int64_t epoch, int64_t next_offset, int64_t folded_offset);

  /// Whether records from `first_offset` on, below `next_offset`, are what comes next.
  bool joins(int64_t first_offset, int64_t next_offset) const noexcept {
    return first_offset == read_offset_ && next_offset > first_offset;
  }
  /// What the reader sent, and it joins: all records below `next_offset`.
  void take_batch(int64_t next_offset, int64_t log_end, std::vector<log_entry> entries);
  /// The next apply when it is due, and credit.
  progress_steps next(int64_t now_us);
  /// A tick that apply_later asked for.
  progress_steps gathered(int64_t now_us);
  /// The records in flight were applied.
  void applied(int64_t now_us);
  /// What follows applied(): the next apply, credit, a fold.
  progress_steps go_on(int64_t now_us);

  /// For a step `fold`. @returns whether a fold from folded_offset() to fold_end() is to be made
  /// now.
  bool begin_fold();
  /// The same for the tick that fold_later asked for.
  bool fold_due();
  /// The fold was made. Had somebody else made one, the store is asked how far: until it has
  /// said that, or fails to, no other fold begins.
  progress_steps folded(int64_t now_us);
  progress_steps fold_failed(int64_t now_us);
  /// Somebody else folded as far as that. Whether it is further than was known tells
  /// folded_offset().
  progress_steps learn_folded(int64_t folded_offset, int64_t now_us);

  phase at() const noexcept { return phase_; }
  bool running() const noexcept { return phase_ == phase::running; }
  bool stopped() const noexcept { return phase_ == phase::stopped; }
  bool has_claimed() const noexcept { return claim_no_ != before_; }
  uint64_t claim_no() const noexcept { return claim_no_; }
  int64_t epoch() const noexcept { return epoch_; }
  int64_t next_offset() const noexcept { return next_offset_; }
  int64_t folded_offset() const noexcept { return folded_offset_; }
  int64_t read_offset() const noexcept { return read_offset_; }
  int64_t log_end() const noexcept { return log_end_; }
  int64_t in_flight_end() const noexcept { return in_flight_end_; }
  int64_t fold_end() const noexcept { return fold_end_; }
  bool applying() const noexcept { return running() && in_flight_end_ > next_offset_; }
  bool folding() const noexcept { return folding_; }
  /// Records that are applied and not folded, or a few more.
  size_t unfolded() { return folds_.waiting(folded_offset_); }
  const std::vector<log_entry>& in_flight() const noexcept { return in_flight_; }
  size_t pending_records() const noexcept { return pending_.size(); }
  size_t pending_bytes() const noexcept { return pending_bytes_; }
  uint32_t credit() const noexcept { return credit_; }

private:
  void forget_work();
  void add_apply(progress_steps& to, int64_t now_us);
  void add_credit(progress_steps& to);
  void add_fold(progress_steps& to);
  void send_off(size_t records);

  progress_rules rules_;
  uint64_t before_;
  uint64_t claim_no_;
  phase phase_ = phase::claiming;
  int64_t backoff_us_ = 0;
  int64_t epoch_ = 0;
  int64_t next_offset_ = 0;   // Applied below.
  int64_t folded_offset_ = 0; // Folded below.
  int64_t read_offset_ = 0;   // All records below came.
  int64_t log_end_ = 0;

  std::deque<log_entry> pending_;
  size_t pending_bytes_ = 0;
  uint32_t credit_ = 0; // Batches that the reader may still send.
  std::vector<log_entry> in_flight_;
  int64_t in_flight_end_ = 0;
  int64_t applied_at_us_ = 0;
  size_t applied_records_ = 0; // In the last apply.
  bool gathering_ = false;     // A tick will come.

  fold_plan folds_;
  bool folding_ = false;
  bool fold_awaited_ = false; // A tick will come.
  bool fold_paused_ = false;  // Until then no fold begins: the last one failed.
  int64_t fold_end_ = 0;
  int64_t fold_until_ = 0; // Folds follow each other as far as that.
};

} // namespace footfall::model
