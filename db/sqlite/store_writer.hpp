#pragma once

#include <string>
#include <vector>

#include "actors/ports/store.hpp"
#include "db/sqlite/event_ids.hpp"
#include "db/sqlite/generations.hpp"
#include "db/sqlite/merger.hpp"
#include "db/sqlite/numbers.hpp"

namespace footfall::sqlite {

/// Every change to store.db: claim, apply, fold, merge and marks. One thread; each call inside a
/// transaction that the caller begins and ends; throws `failure`.
class store_writer {
public:
  /// Opens the index of ids, or makes it again, which takes as long as all rows take.
  store_writer(connection& on, run_maker& maker, late_counts& late, const std::string& log,
               event_ids::config ids, merger::config merges);

  partition_claim claim(uint32_t partition);
  /// 0: it was never claimed.
  int64_t epoch_of(uint32_t partition);
  bool adopt(uint32_t partition, int64_t epoch, const std::string& log_id);
  /// @returns the number of the new generation, 0 when there is no room for one.
  uint32_t begin_generation(const std::vector<int64_t>& starts, const std::string& log_id);
  apply_result apply(const apply_request& batch);
  fold_result fold(uint32_t partition, int64_t from, int64_t until) {
    return fold(generations_.current(), partition, from, until);
  }
  uint64_t mark_redriven(const std::vector<redriven>& rows);
  /// See merger. merge_failed between transactions.
  bool has_late() const noexcept { return merger_.has_some(); }
  size_t merge_due(bool is_idle) const { return merger_.due(is_idle); }
  void merge(size_t counts_max) { merger_.step(counts_max); }
  void merge_failed(std::string why) { merger_.failed(std::move(why)); }
  std::string merge_trouble() const { return merger_.trouble(); }

  /// Before a transaction begins: what was found to be damaged is made again.
  void before_all() { ids_.before_all(); }
  bool is_damaged() const noexcept { return ids_.is_damaged(); }
  /// Before the transaction ends: upkeep of the index of ids.
  void finish() { ids_.finish(); }
  void committed() {
    ids_.committed();
    merger_.committed();
    generations_.committed();
  }
  /// What the transaction made is gone.
  void rolled_back() {
    numbers_.forget();
    ids_.rolled_back();
    merger_.rolled_back();
    generations_.rolled_back();
  }

  /// The checkpointer's thread: what is committed by now, and from now on outlives a loss of power.
  void begin_sync() { ids_.begin_sync(); }
  void synced() { ids_.synced(); }

private:
  int64_t key_of(uint32_t partition, int64_t offset) const;
  void fold_older(uint32_t partition);
  fold_result fold(const generations::entry& of, uint32_t partition, int64_t from, int64_t until);
  void insert_rows(const apply_request& batch, apply_result& out);
  void insert_bad(const apply_request& batch);

  struct folded_row {
    int32_t page_no, user_no, site_no, type_no, minute;
    int64_t at_us;
  };
  struct page_delta {
    int32_t page_no = 0;
    int32_t site_no = 0;
    uint64_t clicks = 0;
    int64_t last_at_us = 0;
  };
  void scan(int64_t from, int64_t until);
  void fold_pairs(late_span& out);
  uint64_t total_of(int32_t page_no);
  void fold_totals(fold_result& out);
  void fold_minutes(late_span& out);
  void fold_sites();

  connection& on_;
  const std::string log_;
  generations generations_;
  all_numbers numbers_;
  event_ids ids_;
  merger merger_;
  std::vector<event_ids::candidate> batch_;
  std::vector<folded_row> rows_;
  std::vector<page_delta> pages_;

  statement claim_, claim_fold_, progress_, older_, adopt_;
  statement move_next_, insert_event_, insert_bad_, mark_bad_;
  statement move_folded_, scan_;
  statement total_of_, add_totals_, add_site_;
};

} // namespace footfall::sqlite
