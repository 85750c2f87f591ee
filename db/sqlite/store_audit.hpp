#pragma once

#include <atomic>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "actors/ports/store.hpp"
#include "db/sqlite/database.hpp"
#include "db/sqlite/late_counts.hpp"

namespace footfall::sqlite {

/// Recounts every aggregate from the raw rows below the folded positions (pairs in blocks: below
/// the merged ones). One thread; throws `failure`.
///
/// Rows that are folded never change, so they are read in many short snapshots,
/// and only the comparison needs one: the WAL can shrink meanwhile. Memory is
/// bounded by taking the pages in as many passes as needed.
class store_audit {
public:
  /// `rows_of_pass`: about how many rows may be counted in memory at a time.
  explicit store_audit(connection& on, uint64_t rows_of_pass = 2'000'000);

  /// At most `most` differences; stops early, with what it has, when told to.
  std::vector<audit_difference> run(size_t most, const std::atomic<bool>& stopping);

  /// The same of one page alone, in one pass.
  page_recount run_page(const page_key& key, size_t most, const std::atomic<bool>& stopping);

private:
  struct slice {
    int64_t base = 0;   ///< Position of offset 0.
    int64_t folded = 0; ///< Position.
    int64_t merged = 0; ///< Position: the rows below are in all tables,
    int64_t until = 0;  ///< and of those below this one those that are lower than what follows.
    int64_t next_pair = 0;
    minute_key next_minute;
  };
  /// Rows, by position, and what is to be counted of them.
  struct stretch {
    int64_t from = 0;
    int64_t until = 0;
    bool of_folds = false;       ///< What a fold adds at once.
    bool of_merges = false;      ///< What it leaves to merges: all, or
    const slice* half = nullptr; ///< what is lower than this says.
  };
  struct page {
    uint64_t clicks = 0;
    uint64_t users = 0;
    int64_t last_at_us = 0;
    int64_t site_no = 0;
  };
  std::vector<slice> folded();
  void run_pass(const std::atomic<bool>& stopping);
  void scan(stretch x, bool in_snapshot, const std::atomic<bool>& stopping);
  int64_t scan_some(const stretch& x, int64_t rows);
  void take_folded();
  void take_merged(const slice* half);
  bool is_mine(int64_t page_no) const {
    return only_ != 0 ? page_no == only_ : static_cast<uint64_t>(page_no) % passes_ == pass_;
  }

  int64_t first_page() const { return only_; }
  int64_t last_page() const { return only_ != 0 ? only_ : INT32_MAX; }

  void compare_clicks();
  void compare_totals();
  void compare_types();
  void compare_series();
  void compare_sites();
  void compare_ids();
  template <class Key, class Name>
  void compare_one(absl::flat_hash_map<Key, uint64_t>& counted, const Key& key, uint64_t found,
                   const char* table, Name name);
  template <class Key, class Name>
  void report_rest(const absl::flat_hash_map<Key, uint64_t>& counted, const char* table, Name name);
  void report(const char* table, std::string key, uint64_t expected, uint64_t found);
  std::string page_name(int64_t page_no);
  std::string text(const char* sql, int64_t number);

  connection& on_;
  const uint64_t rows_of_pass_;
  uint64_t passes_ = 1;
  uint64_t pass_ = 0;
  size_t most_ = 0;
  int64_t only_ = 0;        ///< The page; 0: all are recounted.
  uint64_t rows_of_it_ = 0; ///< Raw, below the folded positions.
  std::vector<audit_difference> differences_;
  absl::flat_hash_map<int64_t, uint64_t> clicks_; ///< By page_no << 32 | user_no.
  absl::flat_hash_map<int64_t, page> pages_;
  absl::flat_hash_map<int64_t, uint64_t> types_; ///< By page_no << 32 | type_no.
  absl::flat_hash_map<minute_key, uint64_t> series_;
  absl::flat_hash_map<int64_t, uint64_t> sites_; ///< By site_no << 32 | minute.
  absl::flat_hash_set<std::string> ids_;
  statement rows_;
};

} // namespace footfall::sqlite
