#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "db/sqlite/database.hpp"

namespace footfall::sqlite {

/// Copies the WAL of one file into it on a thread of its own, so that no commit waits for that:
/// when the WAL has grown to so many pages, and when nothing was committed for a second. While
/// commits go on the WAL never empties by that alone; its last pages are the writer's, between
/// two transactions.
class checkpointer {
public:
  struct config {
    std::string file;
    connection::options how;                    ///< Of the connection of the thread.
    int pages = 5'000;                          ///< New ones of the WAL make a checkpoint due.
    std::function<void()> begin;                ///< What was committed until now,
    std::function<void()> synced;               ///< from now on outlives a loss of power.
    std::function<void(const failure&)> failed; ///< And `synced` is never called again.
  };

  /// Throws `failure`.
  explicit checkpointer(config how);
  ~checkpointer();

  /// The writer, after a commit, with what its connection says of the WAL.
  void committed(int pages);
  /// The writer, between two transactions: whether it is to copy the last pages. Once.
  bool takes_rest();

private:
  using steady = std::chrono::steady_clock;

  bool is_due() const { return pages_ - copied_ >= how_.pages; }
  bool wait();
  void run();
  void sync();
  void copy();

  const config how_;
  connection on_;
  bool is_sure_ = true; ///< No sync has failed: then nobody knows what the disk has.
  std::mutex lock_;
  std::condition_variable wakes_;
  bool stopping_ = false;
  bool is_changed_ = false; ///< There are commits that no checkpoint has seen.
  bool is_rest_due_ = false;
  int pages_ = 0;  ///< Of the WAL.
  int copied_ = 0; ///< Of them, when the last checkpoint began.
  steady::time_point committed_at_;
  std::thread thread_;
};

} // namespace footfall::sqlite
