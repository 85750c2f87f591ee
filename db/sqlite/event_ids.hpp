#pragma once

#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "actors/ports/store.hpp"
#include "db/sqlite/database.hpp"

namespace footfall::sqlite {

/// What makes (event_key, site) unique in the store.
///
/// 64 bits of a key find its row, and the row decides. The newest keys are in
/// memory alone; older ones are in core_event_ids. They move there sorted and in
/// steps, because a table of random keys costs a page for each row that goes in by
/// itself. core_id_progress says up to which positions the table is complete: the
/// rows from there on are read again when the store is opened. A key whose 64 bits
/// are another's stands in core_event_id_clashes, at once.
///
/// One thread; throws `failure`. After each transaction that called anything here
/// comes committed() or rolled_back().
class event_ids {
public:
  /// One row of a batch, in order.
  struct candidate {
    const event_row* row = nullptr;
    int32_t site_no = 0;
    int64_t position = 0;
    bool is_fresh = false;    ///< Set by admit: the id was not there.
    bool is_conflict = false; ///< Set by admit: it was, with another payload.
  };

  /// `recent_max`: about how many keys are in memory before they move.
  event_ids(connection& on, size_t recent_max);

  /// Reads the newest rows again. Once, in a transaction.
  void load();
  /// Takes the ids of a batch in: of equal ones the first position is fresh.
  /// The rows of earlier batches must be in core_events, those of this one not yet.
  void admit(std::vector<candidate>& batch);
  /// Moves some keys to the table when it is time to, more the more were admitted.
  void move_some();

  void committed();
  void rolled_back();

private:
  using keys = absl::flat_hash_map<int64_t, int64_t>; ///< Hash to position.
  struct stored {
    bool is_same = false;
    int32_t payload_hash = 0;
  };

  void load_slice(int64_t from, int64_t until);
  void freeze();
  void admit_one(candidate& x, int64_t hash, const std::vector<candidate>& batch);
  /// Looks at the row that holds the hash. @returns true when the id is there.
  bool is_at(candidate& x, int64_t position, const std::vector<candidate>& batch);
  void admit_clash(candidate& x, const std::vector<candidate>& batch);
  int64_t position_in_table(int64_t hash);

  connection& on_;
  const size_t recent_max_;
  bool has_table_ = false; ///< core_event_ids holds something.
  keys recent_;
  keys moving_;                                      ///< On their way to the table; some are there.
  std::vector<std::pair<int64_t, int64_t>> sorted_;  ///< moving_ in key order.
  std::vector<std::pair<int64_t, int64_t>> targets_; ///< Progress when all have moved.
  size_t moved_ = 0;
  size_t moved_before_ = 0;       ///< When the transaction began.
  std::vector<int64_t> admitted_; ///< Hashes that this transaction put into recent_.
  std::vector<std::pair<int64_t, uint32_t>> order_;
  statement insert_, find_, row_, insert_clash_, find_clash_, progress_, put_progress_;
};

} // namespace footfall::sqlite
