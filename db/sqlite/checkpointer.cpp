#include "db/sqlite/checkpointer.hpp"

#include <utility>

namespace footfall::sqlite {

namespace {

using namespace std::chrono_literals;

constexpr auto idle_before = 1s;

// So few pages cost a commit no more than its own sync.
constexpr int pages_of_rest = 500;
constexpr int rounds_most = 6;

} // namespace

checkpointer::checkpointer(config how) : how_(std::move(how)), on_(how_.file, how_.how) {
  on_.value("SELECT count(*) FROM sqlite_schema"); // Opens the WAL.
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

void checkpointer::committed(int pages) {
  {
    std::lock_guard guard{lock_};
    if (pages < pages_)
      copied_ = 0; // The WAL began anew.
    pages_ = pages;
    committed_at_ = steady::now();
    const bool was_changed = std::exchange(is_changed_, true);
    if (was_changed && !is_due())
      return; // It wakes by itself when nothing more comes.
  }
  wakes_.notify_one();
}

bool checkpointer::takes_rest() {
  std::lock_guard guard{lock_};
  return std::exchange(is_rest_due_, false);
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
    sync();
    copy();
  }
}

/// What was committed before `begin` stands in the WAL, which is synced as a whole, or in the
/// file already.
void checkpointer::sync() {
  if (!how_.synced || !is_sure_)
    return;
  how_.begin();
  try {
    on_.sync_wal();
  } catch (const failure& error) {
    is_sure_ = false;
    return how_.failed(error);
  }
  how_.synced();
}

/// Round by round, as more is committed meanwhile, until little is left or a reader is in the
/// way.
void checkpointer::copy() {
  int left = 0;
  for (int i = 0; i < rounds_most; ++i) {
    const auto before = left;
    left = on_.checkpoint();
    if (left <= pages_of_rest || (i > 0 && left >= before))
      break;
  }
  std::lock_guard guard{lock_};
  is_rest_due_ = is_changed_;
}

} // namespace footfall::sqlite
