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
/// when the WAL has grown by so many pages, and when nothing was committed for a second. While
/// commits go on the WAL never empties by that alone; its last pages are the writer's, between
/// two transactions.
class checkpointer {
public:
  struct config {
    std::string file;
    connection::options how;      ///< Of the connection of the thread.
    int pages = 5'000;            ///< New ones of the WAL make a checkpoint due.
    std::function<void()> begin;  ///< What was committed until now,
    std::function<void()> synced; ///< from now on outlives a loss of power. May be missing.
    std::function<void(const failure&)> failed; ///< The disk, and `synced` is never called again.
  };

  /// Throws `failure`.
  explicit checkpointer(config how);
  ~checkpointer();

  /// The writer, after a commit, and between two transactions: it copies the last pages by its
  /// connection when they are due.
  void committed(connection& by);
  /// The writer's disk failed: after a sync that failed nobody knows what is on it, as the next
  /// one says nothing of what was lost.
  void doubt(const failure& error);

private:
  using steady = std::chrono::steady_clock;

  bool is_due() const { return pages_ - copied_ >= how_.pages; }
  bool note(int pages);
  bool wait();
  void run();
  bool copy();
  int left_of(int copied);

  const config how_;
  connection on_;
  std::mutex lock_;
  std::condition_variable wakes_;
  bool stopping_ = false;
  bool is_sure_ = true;     ///< No sync has failed.
  bool is_changed_ = false; ///< There are commits that no checkpoint has seen.
  bool is_rest_due_ = false;
  int pages_ = 0;  ///< Of the WAL.
  int copied_ = 0; ///< Of them, when the last checkpoint began.
  steady::time_point committed_at_;
  std::thread thread_;
};

} // namespace footfall::sqlite
