#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

namespace footfall::model {

/// What a partition's log holds, or may soon hold, and the partition has not applied:
/// since when the oldest of it waits, and how long one more record would.
///
/// Of stretches of offsets the earliest arrival is kept. There are few of them
/// (marks_max): neighbours are merged and keep the older time, so what is said of the
/// age is never too young. Where nothing better is known, arrivals rise with offsets; but
/// what an earlier node appended another producer's record may have overtaken.
///
/// Arrivals are told by the wall clock, which may be set. The pace, and for how long nothing
/// moved, go by a clock that does not jump: `steady_us`.
class backlog {
public:
  static constexpr size_t marks_max = 128;

  /// What the log holds when a node begins, and how long after its arrival a record that
  /// was acknowledged may have come to stand there.
  struct standing {
    int64_t end;
    int64_t late_us;
  };

  /// The partition goes on at `next_offset`, whatever was believed before, with so many
  /// records in a full batch.
  /// @param latest_us arrival of the record before it; 0 when unknown.
  void start(int64_t next_offset, int64_t latest_us, size_t batch_max, int64_t steady_us,
             standing log = {0, 0});

  /// The same where others may have appended: how old that is nobody here knows, and of what
  /// was believed only what was learned stays.
  void start_among_others(int64_t next_offset, int64_t latest_us, size_t batch_max,
                          int64_t steady_us, standing log);

  /// The offsets belong to another log from here on.
  void forget_offsets();

  /// All records of first <= offset < end arrived at `oldest_us` or later, the last of
  /// them at `latest_us`.
  void learn(int64_t first, int64_t end, int64_t oldest_us, int64_t latest_us, int64_t steady_us);

  /// The same of records that somebody else appended for this node: they may have arrived here
  /// earlier than is believed of those offsets, and the earlier time stays.
  void learn_of_others(int64_t first, int64_t end, int64_t arrived_us, int64_t steady_us);

  /// The first offset in first <= offset < end whose arrival was not learned; else `end`.
  int64_t first_unknown(int64_t first, int64_t end) const;

  /// The log reaches to `end` at least.
  void reach(int64_t end);

  /// Records below the offset are applied, the last of them arrived at `latest_us`.
  void apply(int64_t below, int64_t latest_us, int64_t steady_us);

  /// An append of so many records that arrived then is on its way into the log, until it
  /// is settled.
  void send(int64_t arrival_us, int64_t records);
  void settle(int64_t arrival_us, int64_t records);
  void forget_sent();

  /// When the oldest record of the log arrived that is not applied; none: all are.
  std::optional<int64_t> oldest() const { return oldest_from(applied_, 0); }

  /// Were all below `applied` applied, then so were all that arrived before this time.
  /// None: nothing waits, and nothing is on its way into the log. 0 before the start, and
  /// where more is applied: what arrived with that is forgotten.
  std::optional<int64_t> complete_until(int64_t applied) const;

  struct outlook {
    int64_t wait_us = 0;     ///< How long one more record would wait until it is applied.
    int64_t room = 0;        ///< So many more, and the next would wait longer than the limit.
    bool is_stalled = false; ///< Nothing was applied for as long as that.
  };
  outlook look_ahead(int64_t limit_us, int64_t steady_us) const;

  bool started() const noexcept { return is_started_; }
  size_t marks() const noexcept { return marks_.size(); }
  int64_t applied() const noexcept { return applied_; }
  int64_t end() const noexcept { return marks_.empty() ? applied_ : marks_.back().end; }

private:
  struct mark {
    int64_t end = 0; ///< The stretch begins where the one before ends, or at applied_.
    int64_t since_us = 0;
    bool is_guessed = false; ///< Nobody said so; what is read later says it better.
    bool is_late = false;    ///< Some of it may have arrived `late_us_` earlier.
  };

  void refine(int64_t first, int64_t end, int64_t oldest_us, int64_t latest_us);
  int64_t guess(int64_t us) const;
  void push(const mark& x);
  void keep_pace(int64_t records, int64_t left, int64_t steady_us);
  void shrink();
  std::optional<int64_t> oldest_from(int64_t applied, int64_t late_us) const;
  bool has_known() const;

  bool is_started_ = false;
  int64_t applied_ = 0;
  int64_t late_us_ = 0;
  std::deque<mark> marks_;
  int64_t newest_us_ = 0;          ///< Arrival of the newest record that is known.
  int64_t step_us_ = 0;            ///< Marks closer than this are one.
  std::map<int64_t, size_t> sent_; ///< Appends under way, by arrival.
  int64_t sent_records_ = 0;

  // The pace: records and the time they took, while more than a batch waited; what is
  // longer ago weighs less.
  int64_t batch_max_ = 1;
  double paced_records_ = 0;
  double paced_us_ = 0;
  int64_t paced_at_us_ = 0; ///< 0: less than a batch waited then.
  /// The last apply or the first start; later when nothing was known to wait then, and
  /// something is now.
  int64_t progress_at_us_ = 0;
};

} // namespace footfall::model
