#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "db/sqlite/call_queue.hpp"
#include "db/sqlite/checkpointer.hpp"
#include "db/sqlite/read_lane.hpp"
#include "db/sqlite/run_maker.hpp"
#include "db/sqlite/sqlite_store.hpp"
#include "db/sqlite/store_audit.hpp"
#include "db/sqlite/store_writer.hpp"
#include "db/sqlite/synced_offsets.hpp"
#include "db/sqlite/write_turn.hpp"

namespace footfall {

/// The threads of sqlite_store and what they share.
struct sqlite_store::impl {
  using audit_call = std::function<void(sqlite::store_audit*, const caf::error& why_not)>;

  explicit impl(config x)
      : settings(std::move(x)), file(settings.folder + "/store.db"),
        writes(settings.write_calls_max, settings.write_rows_max),
        audits(settings.audit_calls_max, 0) {}

  void open();
  void close();

  template <class T>
  void write(done<T> reply, std::function<T(sqlite::store_writer&)> work,
             sqlite::write_weight weight = {});
  template <class T>
  static void read(std::optional<sqlite::read_lane>& by, done<T> reply,
                   std::function<T(sqlite::store_reader&)> work);

  void write_loop();
  bool take(std::vector<sqlite::write_call>& waiting);
  bool merge_some(bool is_idle);
  struct turn_result {
    caf::error error;
    bool is_committed = false; ///< Also when it is not certain that it outlives the power.
  };
  turn_result run_together(std::vector<sqlite::write_call>& calls, size_t from, size_t until);
  void audit_loop();
  template <class T, class Work>
  void audit(done<T> reply, Work work);
  caf::error failed(const sqlite::failure& error, bool certain);
  void sync_failed(const sqlite::failure& error);

  config settings;
  const std::string file;
  std::string identity;
  std::unique_ptr<sqlite::file_lock> lock;
  std::optional<sqlite::connection> writing;
  std::optional<sqlite::connection> auditing;
  sqlite::late_counts late;
  std::optional<sqlite::run_maker> runs;
  std::optional<sqlite::store_writer> writer;
  sqlite::synced_offsets synced;
  std::optional<sqlite::checkpointer> checkpoints;
  sqlite::call_queue<sqlite::write_call> writes;
  sqlite::call_queue<audit_call> audits;
  std::atomic<bool> stopping{false};
  mutable std::mutex trouble_lock;
  std::string trouble;
  std::string sync_trouble; ///< For as long as this process runs.
  std::string merge_trouble;
  std::optional<sqlite::read_lane> reads; ///< Counts, pages and what belongs to them.
  std::optional<sqlite::read_lane> lists; ///< What may look at a whole site, or page.
  std::thread write_thread;
  std::thread audit_thread;
};

} // namespace footfall
