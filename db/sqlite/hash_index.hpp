#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "db/sqlite/run_maker.hpp"

namespace footfall::sqlite {

/// Where keys stand, by 64 bits of each: the newest in memory, older ones in runs, of which four
/// alike become one. It is exact as far as it goes: many keys may have the same hash, so who asks
/// looks at each row that is named. What it holds can be made again from the rows, so a run that
/// is gone or damaged costs time and nothing else.
///
/// Runs are files that never change; core_runs names them, in the transaction from which on
/// they count. One that became part of another goes when that outlives a loss of power.
///
/// One thread but for the two calls of the checkpointer; throws `failure`, and `damaged_run` after
/// which forget() and putting all again is the way on. After each transaction that called
/// anything here comes committed() or rolled_back().
class hash_index {
public:
  struct config {
    std::string store;     ///< Identity.
    std::string of;        ///< Which index of the store: part of the files' names.
    size_t recent_max = 1; ///< About how many entries are in memory before they become a run.
    std::function<void(const std::string&)> report; ///< What cannot be written; may be missing.
  };

  hash_index(connection& on, run_maker& maker, config how);

  /// Opens the runs, in a transaction. Once.
  /// `has_progress`: rows are said to stand in runs, so that there must be some.
  void open(bool has_progress);
  /// No run counts any more and nothing is in memory. In a transaction, the only call of it.
  void forget();
  /// While all is put again: so many entries as a run of their own, at once. In a transaction.
  void add_run(std::vector<hash_entry> entries);

  void put(uint64_t hash, int64_t row);
  /// Looks a batch up in the runs at once, which find() then uses. `hashes` in order.
  void prepare(const std::vector<uint64_t>& hashes);
  /// Appends the rows of the hash at `at` of those to `out`.
  void find(size_t at, std::vector<int64_t>& out) const;

  /// Enough is in memory, and nothing of it is on its way: time for freeze().
  bool is_full() const;
  /// Between transactions: what is in memory becomes a run.
  void freeze();
  /// Before a transaction begins: waits when far more is in memory than should be, and the disk is
  /// slower than what comes in.
  void wait_for_room();
  /// Before a transaction ends. @returns true when all that was frozen stands in runs from this
  /// transaction on: progress that belongs to it is to be written now.
  bool finish();
  void committed();
  void rolled_back();

  /// The checkpointer: what is committed by now, and from now on outlives a loss of power.
  void begin_sync();
  void synced();

private:
  using map = absl::flat_hash_map<uint64_t, int64_t>;
  using steady = std::chrono::steady_clock;
  struct run {
    std::shared_ptr<const hash_run> file;
    int level = 0;
  };
  struct waiting {
    std::future<run_maker::made> result;
    std::unique_ptr<run_maker::made> made;
    int level = 0;
    std::vector<uint64_t> from; ///< Numbers of the runs that it is made of.
    bool is_entering = false;   ///< In the transaction that is open.
  };
  /// When to try again what failed: later each time.
  struct pause {
    std::chrono::seconds longest;
    steady::time_point until{};
    std::chrono::seconds length{0};
    std::string why{};
    bool is_over() const { return steady::now() >= until; }
  };

  run_name new_name() const;
  bool is_overfull() const;
  void begin_make();
  void begin_merge();
  bool has_space_for(const run_maker::runs& all) const;
  bool take(std::optional<waiting>& x, pause& after);
  void note_failure(pause& after, const std::string& why) const;
  void enter(waiting& x);
  void install(waiting& x);
  void name_run(const run_maker::made& x, int level);
  void retire_strangers();
  void find_in_memory(uint64_t hash, std::vector<int64_t>& out) const;

  connection& on_;
  run_maker& maker_;
  const config how_;
  map recent_;
  map frozen_;                                      ///< On its way to a run.
  std::vector<std::pair<uint64_t, int64_t>> twins_; ///< Whose hash is another's, in recent_.
  std::vector<std::pair<uint64_t, int64_t>> frozen_twins_;
  std::vector<uint64_t> put_; ///< In this transaction, into recent_.
  size_t twins_before_ = 0;   ///< When the transaction began.
  std::vector<run> runs_;
  std::vector<run_maker::made> added_;               ///< By this transaction, with add_run().
  bool has_forgotten_ = false;                       ///< In this transaction.
  std::vector<std::pair<size_t, int64_t>> prepared_; ///< What runs have, by place in the batch.
  std::vector<uint64_t> hashes_;
  std::optional<waiting> making_;
  std::optional<waiting> merging_;
  pause after_make_{std::chrono::seconds{2}}; ///< Nothing is applied once memory is full.
  pause after_merge_{std::chrono::seconds{60}};
  statement insert_, remove_;
  std::mutex lock_;                  ///< Guards what follows.
  std::vector<std::string> retired_; ///< Files that are part of others now.
  std::vector<std::string> leaving_; ///< Of them, what the next sync lets go.
};

} // namespace footfall::sqlite
