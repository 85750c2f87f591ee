#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "db/sqlite/checkpointer.hpp"
#include "db/sqlite/log_file.hpp"
#include "db/sqlite/sqlite_log.hpp"

namespace footfall {

/// The two threads of sqlite_log and what they share.
struct sqlite_log::impl {
  struct open_append {
    std::vector<log_record> records;
    append_done done;
  };

  struct open_fetch {
    uint32_t partition = 0;
    int64_t from = 0;
    fetch_limits most;
    fetch_done done;
  };

  struct open_look {
    uint32_t partition = 0;
    int64_t offset = -1;
    look_done done;
  };

  using shared_block = std::shared_ptr<const sqlite::log_block>;

  struct slice {
    int64_t first = 0;
    int64_t next = 0;
    int64_t bytes = 0;
    int64_t applied = 0;
    std::deque<shared_block> tail; ///< The newest blocks, without a gap.
    std::optional<open_fetch> waiting;
  };

  explicit impl(config settings)
      : settings_(std::move(settings)), file_(settings_.folder + "/log.db") {}

  void open();
  void close();
  void append(std::vector<log_record> batch, append_done done);
  void fetch(open_fetch ask);
  void look(open_look ask);
  void applied(uint32_t partition, int64_t below);

  // The writer thread.
  void write_loop();
  void commit(std::vector<open_append>& work);
  void place(std::vector<open_append>& work);
  bool store_blocks(outcome& status, errc& code);
  void publish();
  bool may_trim() const;
  bool trim(size_t blocks);
  bool drop_blocks(size_t most);
  void note(const std::string& trouble);
  void gather(std::unique_lock<std::mutex>& guard);
  static void reject(size_t n, outcome status, errc code, const append_done& done);

  // The reader thread.
  void read_loop();
  void serve(open_fetch& ask);
  std::vector<log_entry> record_at(uint32_t partition, int64_t offset, int64_t end);
  void answer_looks(std::vector<open_look>& looks, bool closed);
  caf::expected<log_batch> read_file(const open_fetch& ask, int64_t end);

  config settings_;
  const std::string file_;
  const std::string name_ = "embedded"; ///< Whatever log.db it is: see log_view::identity.
  std::unique_ptr<sqlite::file_lock> file_lock_;
  std::unique_ptr<sqlite::log_file> writing_;
  std::unique_ptr<sqlite::log_file> reading_;
  std::unique_ptr<sqlite::checkpointer> checkpoints_;

  mutable std::mutex lock_;
  std::condition_variable writer_wakes_;
  std::condition_variable reader_wakes_;
  bool stopping_ = false;
  bool writer_ended_ = false;
  std::vector<open_append> queue_;
  size_t queued_records_ = 0;
  size_t queued_bytes_ = 0;
  std::vector<slice> slices_;
  std::deque<uint32_t> tail_order_; ///< Partition of each block in the tails, oldest first.
  size_t tail_bytes_ = 0;
  std::vector<open_look> looks_;
  std::vector<open_fetch> ended_; ///< Replaced by newer ones, not yet answered.
  bool trim_wanted_ = true;       ///< There may be blocks to drop.
  std::string trouble_;

  // Of the writer alone.
  std::vector<std::shared_ptr<sqlite::log_block>> blocks_; ///< One for each partition, or none.
  std::vector<std::vector<append_outcome>> outcomes_;
  size_t last_commit_records_ = 0;
  std::chrono::steady_clock::time_point last_commit_;

  std::thread writer_;
  std::thread reader_;
};

} // namespace footfall
