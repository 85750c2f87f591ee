#pragma once

#include <functional>
#include <memory>
#include <string>

#include "actors/ports/one_node.hpp"
#include "actors/ports/store.hpp"

namespace footfall {

/// The store of embedded mode: the file `store.db` in the data folder, and the runs of its index of
/// ids beside it (`ids-*.run`), which it makes again when they are not there.
///
/// One thread writes: claims, applies and folds that wait share a transaction, and
/// are answered when it is committed. What folds add to pairs, minutes and types comes into their
/// tables later, many folds at once, in transactions of their own. A thread of its own makes the
/// checkpoints. Where the log keeps what it is told to (kept_below), commits are not synced but by
/// these: after a loss of power the file is as it was after an earlier commit, and the log gives
/// the rest again. Two read, and what waits for one shares a snapshot: one gives counts and pages,
/// the other lists (and the names of users), which may look at a whole site; so nothing small waits
/// for a list. Another audits. When the disk is full or fails, calls fail and later ones are tried
/// again.
class sqlite_store final : public store {
public:
  struct config {
    std::string folder = "data";
    std::string topic = "clicks";    ///< Name of the event log; progress is kept under it.
    size_t write_rows_max = 400'000; ///< Rows of applies that may wait.
    size_t write_calls_max = 1'024;  ///< Claims, applies and folds that may wait.
    size_t read_calls_max = 4'096;   ///< Of each of the two.
    size_t audit_calls_max = 4;
    size_t recent_ids_max = 200'000; ///< Event ids in memory before they become a run.
    int id_hash_bits = 64;           ///< Fewer only in tests: many ids have the same hash.
    size_t merge_rows_min = 50'000;  ///< Folded rows, at least, that make a merge due.
    size_t merge_step_min = 2'000;   ///< Counts of a transaction of a merge, at least.
    int checkpoint_pages = 5'000;    ///< Of the WAL, that make one due.
    bool log_keeps_rest = false; ///< The log keeps what is not kept_below; else commits are synced.
    int64_t write_cache_bytes = 64 << 20;
    int64_t read_cache_bytes = 16 << 20; ///< Of each of the two.
    /// Gets a line about long work and what was mended, in whatever thread; may be missing.
    std::function<void(const std::string&)> report;
  };

  /// Opens the store of the folder, or makes it. Refuses a file that is damaged,
  /// foreign, newer than this program or in use, naming it.
  static caf::expected<std::unique_ptr<store>> open(config settings);

  /// Which this program brings it to.
  static int schema_version();
  ~sqlite_store() override;

  void claim(uint32_t partition, done<partition_claim> reply) override;
  void claim(lease_claim by, done<partition_claim> reply) override;
  leases& nodes() override { return nodes_; }
  void adopt(uint32_t partition, int64_t epoch, std::string log_id, done<bool> reply) override;
  void begin_generation(std::vector<int64_t> starts, std::string log_id,
                        done<uint32_t> reply) override;
  void apply(apply_request batch, done<apply_result> reply) override;
  void fold(uint32_t partition, int64_t from, int64_t until, done<fold_result> reply) override;
  void read_counts(std::vector<pair_key> keys, done<snapshot<pair_count>> reply) override;
  void load_pages(std::vector<page_key> keys, int32_t first_minute, uint32_t users_max,
                  done<snapshot<page_load>> reply) override;
  void top_pages(std::string site_id, int64_t from_us, int64_t to_us, uint32_t limit,
                 done<snapshot<named_count>> reply) override;
  void minutes(page_key key, int64_t from_us, int64_t to_us,
               done<snapshot<series_point>> reply) override;
  void top_users(page_key key, uint32_t limit, done<snapshot<named_count>> reply) override;
  void user_names(std::string site_id, std::vector<int32_t> numbers,
                  done<snapshot<std::string>> reply) override;
  void type_names(std::string site_id, std::vector<int32_t> numbers,
                  done<snapshot<std::string>> reply) override;
  void audit(done<std::vector<audit_difference>> reply) override;
  void audit_page(page_key key, done<page_recount> reply) override;
  void progress(done<std::vector<partition_state>> reply) override;
  void bad_events(bad_events_ask ask, done<bad_event_page> reply) override;
  void mark_redriven(std::vector<redriven> rows, done<uint64_t> reply) override;
  /// Nobody can put another file in the place of one that is open and locked.
  static constexpr uint64_t only_incarnation = 1;
  uint64_t incarnation() const override { return only_incarnation; }
  int64_t kept_below(uint32_t partition, int64_t applied) const override;
  void on_renewal(renewal) override {}
  const std::string& identity() const override;
  std::string health() const override;

private:
  struct impl;
  explicit sqlite_store(std::unique_ptr<impl> x);
  one_node nodes_{*this};
  std::unique_ptr<impl> impl_;
};

} // namespace footfall
