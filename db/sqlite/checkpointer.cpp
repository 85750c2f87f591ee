#include "db/sqlite/checkpointer.hpp"

#include <algorithm>
#include <utility>

#include <sqlite3.h>

namespace footfall::sqlite {

namespace {

using namespace std::chrono_literals;

constexpr auto idle_before = 1s;

// So few pages cost the writer little.
constexpr int pages_of_rest = 500;
constexpr int rounds_most = 6;

} // namespace

checkpointer::checkpointer(config how) : how_(std::move(how)), on_(how_.file, how_.how) {
  thread_ = std::thread([this] { run(); });
}

checkpointer::~checkpointer() {
  {
    std::lock_guard guard{lock_};
    stopping_ = true;
  }
  wakes_.notify_one();
  thread_.join();
}

/// @returns whether the last pages are the writer's now.
bool checkpointer::note(int pages) {
  bool wakes = true;
  {
    std::lock_guard guard{lock_};
    if (pages < pages_)
      copied_ = 0; // The WAL began anew.
    pages_ = pages;
    committed_at_ = steady::now();
    const bool was_changed = std::exchange(is_changed_, true);
    if (std::exchange(is_rest_due_, false))
      return true;
    wakes = !was_changed || is_due(); // Else it wakes by itself when nothing more comes.
  }
  if (wakes)
    wakes_.notify_one();
  return false;
}

void checkpointer::committed(connection& by) {
  if (!note(by.wal_pages()))
    return;
  try {
    by.checkpoint();
  } catch (const failure& error) {
    doubt(error);
  }
}

void checkpointer::doubt(const failure& error) {
  if ((error.code() & 0xff) != SQLITE_IOERR)
    return;
  {
    std::lock_guard guard{lock_};
    if (!std::exchange(is_sure_, false))
      return;
  }
  if (how_.failed)
    how_.failed(error);
}

/// Until a checkpoint is due. @returns false when there will be none any more.
bool checkpointer::wait() {
  std::unique_lock guard{lock_};
  for (;;) {
    if (stopping_)
      return false;
    if (!is_changed_) {
      wakes_.wait(guard);
      continue;
    }
    const auto idle_at = committed_at_ + idle_before;
    if (is_due() || steady::now() >= idle_at)
      return true;
    wakes_.wait_until(guard, idle_at);
  }
}

void checkpointer::run() {
  while (wait()) {
    {
      std::lock_guard guard{lock_};
      is_changed_ = is_rest_due_ = false;
      copied_ = pages_;
    }
    bool is_complete = false;
    try {
      is_complete = copy();
    } catch (const failure& error) {
      doubt(error);
    }
    std::lock_guard guard{lock_};
    is_rest_due_ = is_changed_;
    if (is_complete)
      continue;
    is_changed_ = true; // A reader of before was in the way, or the disk: again in a while.
    committed_at_ = steady::now();
  }
}

/// How much of the WAL is to be copied when so much is.
int checkpointer::left_of(int copied) {
  std::lock_guard guard{lock_};
  return std::max(pages_ - copied, 0);
}

/// Round by round, as more is committed meanwhile, until little is left or a reader is in the
/// way. SQLite syncs the WAL before each; the file it would leave to the writer's last part.
/// @returns whether all is in the file that was committed when this began.
bool checkpointer::copy() {
  if (how_.begin)
    how_.begin();
  auto at = on_.checkpoint();
  const bool is_complete = at.is_complete;
  auto left = left_of(at.pages);
  for (int i = 1; i < rounds_most && at.is_complete && left > pages_of_rest; ++i) {
    at = on_.checkpoint();
    const auto before = std::exchange(left, left_of(at.pages));
    if (left >= before)
      break;
  }
  on_.sync_file();
  bool tells = is_complete && how_.synced;
  {
    std::lock_guard guard{lock_};
    tells = tells && is_sure_;
  }
  if (tells)
    how_.synced();
  return is_complete;
}

} // namespace footfall::sqlite
