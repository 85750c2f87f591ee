#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/ports/store.hpp"
#include "db/sqlite/hash_index.hpp"

namespace footfall::sqlite {

/// What makes (event_key, site) unique in the store.
///
/// A hash of both, with a seed of the store so that no client can aim at a place, finds the rows
/// that may be it, and the row decides. core_id_progress says up to which positions the runs of
/// the index are complete: rows from there on are read again when the store is opened, and all of
/// them when a run is gone or damaged.
///
/// One thread but for the checkpointer's two calls; throws `failure`. After each transaction that
/// called anything here comes committed() or rolled_back().
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
  struct config {
    std::string store;     ///< Identity.
    size_t recent_max = 1; ///< About how many ids are in memory before they become a run.
    int hash_bits = 64;    ///< Fewer, in tests: many ids have the same.
    std::function<void(const std::string&)> report; ///< Long work; may be missing.
    std::function<bool()> is_over;                  ///< Long work ends early; may be missing.
  };

  event_ids(connection& on, run_maker& maker, config how);

  /// Opens the index, or makes it again. Once, between transactions; begins its own.
  void open();
  /// A run was found to be damaged, and what follows can be tried again after before_all().
  bool is_damaged() const noexcept { return !damage_.empty(); }
  /// Before a transaction begins: makes the index again when a run was found to be damaged, and
  /// waits while far too many ids are in memory.
  void before_all();
  /// Takes the ids of a batch in: of equal ones the first position is fresh.
  /// The rows of earlier batches must be in core_events, those of this one not yet.
  void admit(std::vector<candidate>& batch);
  /// Before a transaction ends: upkeep of the index.
  void finish();

  void committed();
  void rolled_back();

  void begin_sync() { index_.begin_sync(); }
  void synced() { index_.synced(); }

private:
  using steady = std::chrono::steady_clock;
  struct slice {
    int64_t number = 0; ///< topic_no << 10 | partition
    int64_t from = 0;   ///< Offset.
    int64_t until = 0;
  };
  struct stored {
    bool is_same = false;
    int32_t payload_hash = 0;
  };

  uint64_t hash_of(std::string_view key, int64_t site_no) const;
  std::vector<slice> slices();
  void begin_again(const std::string& why);
  void load();
  void load_slice(const slice& x, std::vector<slice>& complete, std::vector<hash_entry>& entries);
  void add_run(const std::vector<slice>& complete, std::vector<hash_entry>& entries);
  void put_progress(const std::vector<slice>& complete);
  /// Looks at the row of a position. @returns true when the id is there.
  bool is_at(candidate& x, int64_t position, const std::vector<candidate>& batch);

  connection& on_;
  const config how_;
  const uint64_t seed_;
  hash_index index_;
  std::string damage_;         ///< Of the index; empty: none is known.
  bool is_loaded_ = false;     ///< Else all that is not in runs is to be read again.
  steady::time_point mend_at_; ///< Not before, after mending failed.
  std::optional<file_failure> mend_failure_;
  std::vector<slice> frozen_to_; ///< Progress when all that was frozen stands in runs.
  std::vector<std::pair<uint64_t, uint32_t>> order_;
  std::vector<uint64_t> hashes_;
  std::vector<int64_t> found_;
  uint64_t loaded_ = 0; ///< Rows that were read again.
  statement row_, progress_, put_progress_;
};

} // namespace footfall::sqlite
