#include <algorithm>
#include <tuple>

#include "db/sqlite/sqlite_log_impl.hpp"
#include "proto/failpoint.hpp"
#include "proto/seeded_bug.hpp"

/// The writer thread of sqlite_log: one transaction for all that waits.
namespace footfall {

namespace {

constexpr size_t trims_when_busy = 8;
constexpr size_t trims_when_idle = 64;
constexpr size_t records_of_many = 4;
constexpr size_t records_enough = 500;

} // namespace

/// Needs the lock.
bool sqlite_log::impl::may_trim() const {
  int64_t bytes = 0;
  bool some = false;
  for (const auto& x : slices_) {
    bytes += x.bytes;
    some = some || x.applied > x.first;
  }
  return some && bytes > settings_.retain_bytes;
}

void sqlite_log::impl::note(const std::string& trouble) {
  std::lock_guard guard{lock_};
  trouble_ = trouble;
}

/// Many clients at once: waits a moment after the last commit, so that the next
/// one holds more. A commit costs the same whatever is in it. A lone client never
/// waits, nor does a full batch.
void sqlite_log::impl::gather(std::unique_lock<std::mutex>& guard) {
  if (last_commit_records_ < records_of_many)
    return;
  const auto enough = [&] { return stopping_ || queued_records_ >= records_enough; };
  writer_wakes_.wait_until(guard, last_commit_ + settings_.gather, enough);
}

void sqlite_log::impl::write_loop() {
  std::vector<open_append> work;
  while (true) {
    {
      std::unique_lock guard{lock_};
      auto busy = [&] { return stopping_ || !queue_.empty() || trim_wanted_; };
      writer_wakes_.wait(guard, busy);
      if (stopping_ && (queue_.empty() || seeded_bug("no-drain-flush")))
        return;
      if (!queue_.empty())
        gather(guard);
      work.swap(queue_);
      queued_records_ = 0;
      queued_bytes_ = 0;
      if (work.empty())
        trim_wanted_ = false;
    }
    if (!work.empty()) {
      commit(work);
      last_commit_records_ = 0;
      for (const auto& x : work)
        last_commit_records_ += x.records.size();
      last_commit_ = std::chrono::steady_clock::now();
      work.clear();
      continue;
    }
    if (trim(trims_when_idle)) {
      std::lock_guard guard{lock_};
      trim_wanted_ = true;
    }
  }
}

/// Puts the records of `work` into blocks and says where each will be.
void sqlite_log::impl::place(std::vector<open_append>& work) {
  outcomes_.clear();
  const int64_t now = settings_.now();
  for (auto& x : work) {
    auto& outcomes = outcomes_.emplace_back();
    outcomes.reserve(x.records.size());
    for (const auto& record : x.records) {
      auto& block = blocks_[record.partition];
      if (!block) {
        block = std::make_shared<sqlite::log_block>();
        block->open();
        block->first = slices_[record.partition].next; // Changed by this thread alone.
        block->time_us = now;
      }
      outcomes.push_back({outcome::accepted, errc::none, {record.partition, block->end()}});
      block->add(record.value);
    }
  }
}

bool sqlite_log::impl::store_blocks(outcome& status, errc& code) {
  bool committing = false;
  try {
    writing_->begin();
    for (uint32_t p = 0; p < blocks_.size(); ++p)
      if (blocks_[p]) {
        blocks_[p]->seal(p);
        writing_->insert(p, *blocks_[p]);
      }
    committing = true;
    failpoint("log.before_commit");
    writing_->commit();
    failpoint("log.after_commit");
    return true;
  } catch (const sqlite::failure& error) {
    const bool undone = writing_->on().roll_back();
    code = sqlite::code_of(error.code(), errc::log_unavailable);
    // A commit that failed while syncing may be in the file after a crash.
    const bool certain = undone && (!committing || code == errc::disk_full);
    status = certain ? outcome::rejected : outcome::unknown;
    if (!certain)
      code = errc::log_unavailable;
    note(file_ + " cannot be written: " + error.what());
    return false;
  }
}

/// Makes the blocks that were committed visible to readers.
void sqlite_log::impl::publish() {
  bool wake = false;
  {
    std::lock_guard guard{lock_};
    trouble_.clear();
    for (uint32_t p = 0; p < blocks_.size(); ++p) {
      if (!blocks_[p])
        continue;
      auto& x = slices_[p];
      x.next = blocks_[p]->end();
      x.bytes += static_cast<int64_t>(blocks_[p]->bytes.size());
      tail_bytes_ += blocks_[p]->bytes.size();
      tail_order_.push_back(p);
      x.tail.push_back(std::move(blocks_[p]));
      wake = wake || x.waiting;
    }
    while (tail_bytes_ > settings_.tail_bytes && !tail_order_.empty()) {
      auto& tail = slices_[tail_order_.front()].tail;
      tail_bytes_ -= tail.front()->bytes.size();
      tail.pop_front();
      tail_order_.pop_front();
    }
  }
  if (wake)
    reader_wakes_.notify_one();
}

void sqlite_log::impl::commit(std::vector<open_append>& work) {
  place(work);
  auto status = outcome::unknown;
  auto code = errc::internal;
  if (store_blocks(status, code)) {
    publish();
    for (size_t i = 0; i < work.size(); ++i)
      work[i].done(std::move(outcomes_[i]));
    bool behind = false;
    {
      std::lock_guard guard{lock_};
      behind = may_trim();
    }
    if (behind)
      trim(trims_when_busy);
    checkpoints_->committed(writing_->on());
  } else {
    for (const auto& x : work)
      reject(x.records.size(), status, code, x.done);
  }
  for (auto& block : blocks_)
    block.reset();
}

bool sqlite_log::impl::trim(size_t blocks) {
  std::vector<std::pair<int64_t, int64_t>> before;
  {
    std::lock_guard guard{lock_};
    if (!may_trim())
      return false;
    for (const auto& x : slices_)
      before.emplace_back(x.first, x.bytes);
  }
  try {
    writing_->begin();
    const bool dropped = drop_blocks(blocks);
    writing_->commit();
    checkpoints_->committed(writing_->on());
    return dropped;
  } catch (const sqlite::failure& error) {
    writing_->on().roll_back();
    {
      std::lock_guard guard{lock_};
      for (size_t p = 0; p < before.size(); ++p)
        std::tie(slices_[p].first, slices_[p].bytes) = before[p];
    }
    note(file_ + " cannot be trimmed: " + error.what());
    return false;
  }
}

/// Deletes applied blocks, those of the largest partition first. Where a partition
/// begins moves before the commit: nobody asks for applied records again.
bool sqlite_log::impl::drop_blocks(size_t most) {
  struct candidate {
    uint32_t partition;
    int64_t bytes, applied, next;
  };
  std::vector<candidate> from;
  int64_t excess = -settings_.retain_bytes;
  {
    std::lock_guard guard{lock_};
    for (uint32_t p = 0; p < slices_.size(); ++p) {
      excess += slices_[p].bytes;
      if (slices_[p].applied > slices_[p].first)
        from.push_back({p, slices_[p].bytes, slices_[p].applied, slices_[p].next});
    }
  }
  bool dropped = false;
  while (excess > 0 && most-- > 0 && !from.empty()) {
    auto at = std::max_element(from.begin(), from.end(),
                               [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
    int64_t first = 0;
    const int64_t gone = writing_->drop_oldest(at->partition, at->applied, at->next, first);
    if (gone < 0) {
      from.erase(at);
      continue;
    }
    dropped = true;
    excess -= gone;
    at->bytes -= gone;
    std::lock_guard guard{lock_};
    auto& x = slices_[at->partition];
    x.first = first;
    x.bytes -= gone;
  }
  return dropped;
}

} // namespace footfall
