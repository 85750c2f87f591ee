#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "db/sqlite/late_counts.hpp"
#include "db/sqlite/pair_blocks.hpp"

namespace footfall::sqlite {

/// Brings what folds left into the tables of pairs, minutes and types, many folds at once, so that
/// what is written for it is shared: when as many rows wait as a 32nd of the pairs in blocks (a
/// million at most), or when nothing else is to be done. core_merge_progress says how far that is;
/// what waits is in memory, in late_counts, and is read again from the rows when the store is
/// opened.
///
/// One thread; throws `failure`. After each transaction that called anything here comes committed()
/// or rolled_back().
class merger {
public:
  struct config {
    size_t rows_min = 50'000;     ///< A merge waits for so many rows, however few pairs there are.
    size_t step_min = 2'000;      ///< Counts: fewer are not worth a transaction.
    size_t rows_over = 2'000'000; ///< More than due that may wait because merges fail.
    std::chrono::seconds pause{10}; ///< Of a slice whose merge failed.
  };

  merger(connection& on, late_counts& late, config how);

  /// Reads what waits, after pairs of a store of an older version came into blocks. Once, between
  /// transactions; `report` gets a line about long work, and may be missing.
  void open(const std::function<void(const std::string&)>& report);

  /// In the transaction of a fold: what it left. Throws when merges of its slice fail, and far too
  /// much waits for that.
  void add(late_span x);
  bool has_some() const noexcept { return rows_ > 0; }
  /// How many counts the next step should take, 0: none now. Twice as many as rows came since the
  /// last one, so that a merge ends before the next one is due, and no step holds up the applies
  /// for long. `is_idle`: nothing else is to be done.
  size_t due(bool is_idle) const;
  /// Inside a transaction: takes so many pairs, and so many minutes, of the slice for which most
  /// rows wait, or goes on with the one that it took.
  void step(size_t counts_max);
  /// A step failed: its slice has a pause, and others have their turn.
  void failed(std::string why);
  /// Why the last step of some slice failed; empty: none has.
  std::string trouble() const;

  void committed();
  void rolled_back();

private:
  using steady = std::chrono::steady_clock;
  /// How far a span is merged.
  struct places {
    size_t pairs = 0;
    size_t minutes = 0;
  };
  /// What waits of a slice.
  struct waiting {
    uint64_t rows = 0;
    late_counts::span first; ///< Of which a merge has begun; none: there is none.
    places at;               ///< Of that.
    std::string trouble;     ///< Why the last step failed.
    steady::time_point try_at;
  };
  struct change {
    bool is_step = false;
    places at;                   ///< Of the slice that is merged, when it is committed.
    uint64_t added = 0;          ///< Pairs that were not in blocks.
    std::vector<late_span> made; ///< By folds.
  };
  static constexpr int64_t none = -1;

  static bool is_whole(const late_span& x, const places& at) {
    return at.pairs == x.pairs.size() && at.minutes == x.minutes.size();
  }
  late_span read(int64_t from, int64_t until);
  void wait_for(late_span x);
  uint64_t rows_due() const;
  struct candidate {
    int64_t number = none; ///< The one that failed before, or for which most rows wait.
    bool has_trouble = false;
    uint64_t rows = 0; ///< Of all that have no pause.
  };
  candidate next() const;
  void merge_pairs(const late_span& all, size_t from, size_t until);
  void merge_minutes(const late_span& all, size_t from, size_t until);
  void put_progress(const late_span& all, const places& x);

  connection& on_;
  late_counts& late_;
  const config how_;
  pair_block_writer pairs_;
  absl::flat_hash_map<int64_t, waiting> slices_; ///< By number; of those that have some.
  int64_t now_ = none;                           ///< The slice that is being merged.
  change change_;                                ///< By the transaction.
  uint64_t rows_ = 0;                            ///< That wait.
  uint64_t pairs_in_blocks_ = 0;
  uint64_t came_ = 0; ///< Rows since the last step of this merge.
  std::vector<user_clicks> users_;
  std::vector<std::pair<int64_t, uint64_t>> types_; ///< Page and type, and clicks.
  statement rows_of_, add_users_, add_minutes_, add_types_, put_;
};

} // namespace footfall::sqlite
