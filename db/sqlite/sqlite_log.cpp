#include "db/sqlite/sqlite_log.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include <sqlite3.h>

#include "db/sqlite/log_file.hpp"
#include "proto/failpoint.hpp"

namespace footfall {

namespace {

constexpr size_t trims_when_busy = 8;
constexpr size_t trims_when_idle = 64;
constexpr std::chrono::seconds idle_before_checkpoint{1};

struct open_append {
  std::vector<log_record> records;
  event_log::append_done done;
};

struct open_fetch {
  uint32_t partition = 0;
  int64_t from = 0;
  fetch_limits most;
  event_log::fetch_done done;
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

void reject(size_t n, outcome status, errc code, const event_log::append_done& done) {
  done(std::vector<append_outcome>(n, append_outcome{status, code, {}}));
}

/// Takes records of a block from `from` on. @returns false when a limit was reached.
bool take(const sqlite::log_block& block, int64_t from, const fetch_limits& most, size_t& bytes,
          log_batch& out) {
  for (auto at = std::max(from, block.first); at < block.end(); ++at) {
    const auto record = block.record(at);
    bytes += record.size();
    if (out.entries.size() >= most.records || (!out.entries.empty() && bytes > most.bytes))
      return false;
    out.entries.push_back({at, block.time_us, record_format::protobuf, std::string{record}});
  }
  return true;
}

} // namespace

struct sqlite_log::impl {
  explicit impl(config settings)
      : settings_(std::move(settings)), file_(settings_.folder + "/log.db") {}

  void open();
  void close();
  void append(std::vector<log_record> batch, append_done done);
  void fetch(open_fetch ask);
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

  // The reader thread.
  void read_loop();
  void serve(open_fetch& ask);
  caf::expected<log_batch> read_file(const open_fetch& ask, int64_t end);

  config settings_;
  const std::string file_;
  std::unique_ptr<sqlite::file_lock> file_lock_;
  std::unique_ptr<sqlite::log_file> writing_;
  std::unique_ptr<sqlite::log_file> reading_;

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
  std::vector<open_fetch> ended_; ///< Replaced by newer ones, not yet answered.
  bool trim_wanted_ = true;       ///< There may be blocks to drop.
  std::string trouble_;

  // Of the writer alone.
  std::vector<std::shared_ptr<sqlite::log_block>> blocks_; ///< One for each partition, or none.
  std::vector<std::vector<append_outcome>> outcomes_;
  bool is_checkpointed_ = true;

  std::thread writer_;
  std::thread reader_;
};

void sqlite_log::impl::open() {
  std::string why;
  file_lock_ = sqlite::file_lock::take(settings_.folder + "/log.lock", why);
  if (!file_lock_)
    throw sqlite::failure(SQLITE_BUSY, why);
  if (settings_.partitions < 1 || settings_.partitions > sqlite::partitions_max)
    throw sqlite::failure(SQLITE_MISUSE, "a log has 1 to 1024 partitions");
  writing_ = std::make_unique<sqlite::log_file>(file_, false);
  writing_->prepare(settings_.topic, settings_.partitions);
  for (const auto& x : writing_->extents(settings_.partitions)) {
    slice made;
    made.first = x.first;
    made.next = x.next;
    made.bytes = x.bytes;
    slices_.push_back(std::move(made));
  }
  blocks_.resize(settings_.partitions);
  reading_ = std::make_unique<sqlite::log_file>(file_, true);
  writer_ = std::thread{[this] { write_loop(); }};
  reader_ = std::thread{[this] { read_loop(); }};
}

void sqlite_log::impl::close() {
  {
    std::lock_guard guard{lock_};
    stopping_ = true;
  }
  writer_wakes_.notify_all();
  if (writer_.joinable())
    writer_.join();
  {
    std::lock_guard guard{lock_};
    writer_ended_ = true;
  }
  reader_wakes_.notify_all();
  if (reader_.joinable())
    reader_.join();
}

void sqlite_log::impl::append(std::vector<log_record> batch, append_done done) {
  size_t bytes = 0;
  bool fits = true;
  for (const auto& x : batch) {
    bytes += x.value.size() + sizeof(log_record);
    fits = fits && x.partition < settings_.partitions;
  }
  auto code = errc::none;
  bool wake = false;
  {
    std::lock_guard guard{lock_};
    if (stopping_)
      code = errc::shutting_down;
    else if (!fits)
      code = errc::invalid_argument;
    else if (queued_records_ + batch.size() > settings_.queue_records
             || queued_bytes_ + bytes > settings_.queue_bytes)
      code = errc::overloaded;
    if (code == errc::none) {
      wake = queue_.empty();
      queued_records_ += batch.size();
      queued_bytes_ += bytes;
      queue_.push_back({std::move(batch), std::move(done)});
    }
  }
  if (code != errc::none)
    return reject(batch.size(), outcome::rejected, code, done);
  if (wake)
    writer_wakes_.notify_one();
}

void sqlite_log::impl::fetch(open_fetch ask) {
  if (ask.partition >= settings_.partitions || ask.from < 0 || ask.most.records == 0)
    return ask.done(make_error(errc::invalid_argument, "no such partition, offset or limit"));
  bool wake = false;
  {
    std::lock_guard guard{lock_};
    auto& x = slices_[ask.partition];
    if (x.waiting) {
      ended_.push_back(std::move(*x.waiting));
      wake = true;
    }
    wake = wake || ask.from != x.next || stopping_;
    x.waiting = std::move(ask);
  }
  if (wake)
    reader_wakes_.notify_one();
}

void sqlite_log::impl::applied(uint32_t partition, int64_t below) {
  bool wake = false;
  {
    std::lock_guard guard{lock_};
    if (partition >= settings_.partitions)
      return;
    auto& x = slices_[partition];
    x.applied = std::max(x.applied, std::min(below, x.next));
    trim_wanted_ = trim_wanted_ || may_trim();
    wake = trim_wanted_ && queue_.empty();
  }
  if (wake)
    writer_wakes_.notify_one();
}

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

void sqlite_log::impl::write_loop() {
  std::vector<open_append> work;
  while (true) {
    {
      std::unique_lock guard{lock_};
      auto busy = [&] { return stopping_ || !queue_.empty() || trim_wanted_; };
      if (is_checkpointed_)
        writer_wakes_.wait(guard, busy);
      else
        writer_wakes_.wait_for(guard, idle_before_checkpoint, busy);
      if (stopping_ && queue_.empty())
        return;
      work.swap(queue_);
      queued_records_ = 0;
      queued_bytes_ = 0;
      if (work.empty())
        trim_wanted_ = false;
    }
    if (!work.empty()) {
      commit(work);
      work.clear();
      continue;
    }
    if (trim(trims_when_idle)) {
      std::lock_guard guard{lock_};
      trim_wanted_ = true;
    } else if (!is_checkpointed_) {
      writing_->on().checkpoint();
      is_checkpointed_ = true;
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
    is_checkpointed_ = false;
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
    if (settings_.counters)
      add(settings_.counters->log_appends);
    for (size_t i = 0; i < work.size(); ++i)
      work[i].done(std::move(outcomes_[i]));
    bool behind = false;
    {
      std::lock_guard guard{lock_};
      behind = may_trim();
    }
    if (behind)
      trim(trims_when_busy);
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
    is_checkpointed_ = is_checkpointed_ && !dropped;
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

void sqlite_log::impl::read_loop() {
  std::vector<open_fetch> work;
  std::vector<open_fetch> ended;
  while (true) {
    bool last = false;
    {
      std::unique_lock guard{lock_};
      reader_wakes_.wait(guard, [&] {
        ended.swap(ended_);
        for (auto& x : slices_)
          if (x.waiting && (x.waiting->from != x.next || writer_ended_)) {
            work.push_back(std::move(*x.waiting));
            x.waiting.reset();
          }
        last = writer_ended_;
        return last || !work.empty() || !ended.empty();
      });
    }
    for (auto& x : ended)
      x.done(make_error(errc::timeout, "a newer fetch of the partition took over"));
    ended.clear();
    for (auto& x : work)
      if (last)
        x.done(make_error(errc::shutting_down, "the log is closed"));
      else
        serve(x);
    work.clear();
    if (last)
      return;
  }
}

void sqlite_log::impl::serve(open_fetch& ask) {
  log_batch out;
  out.partition = ask.partition;
  int64_t first = 0;
  std::vector<shared_block> blocks;
  {
    std::lock_guard guard{lock_};
    const auto& x = slices_[ask.partition];
    first = x.first;
    out.end_offset = x.next;
    if (!x.tail.empty() && ask.from >= x.tail.front()->first && ask.from >= first) {
      auto at = std::upper_bound(x.tail.begin(), x.tail.end(), ask.from,
                                 [](int64_t from, const auto& b) { return from < b->end(); });
      for (size_t records = 0; at != x.tail.end() && records <= ask.most.records; ++at) {
        blocks.push_back(*at);
        records += static_cast<size_t>((*at)->end() - std::max(ask.from, (*at)->first));
      }
    }
  }
  if (ask.from < first || ask.from > out.end_offset)
    return ask.done(make_error(errc::gap, "partition " + std::to_string(ask.partition) + " of "
                                              + file_ + " holds offsets " + std::to_string(first)
                                              + " to " + std::to_string(out.end_offset) + ", not "
                                              + std::to_string(ask.from)));
  if (blocks.empty())
    return ask.done(read_file(ask, out.end_offset));
  size_t bytes = 0;
  for (const auto& block : blocks)
    if (!take(*block, ask.from, ask.most, bytes, out))
      break;
  ask.done(std::move(out));
}

caf::expected<log_batch> sqlite_log::impl::read_file(const open_fetch& ask, int64_t end) {
  log_batch out;
  out.partition = ask.partition;
  size_t bytes = 0;
  try {
    reading_->read(ask.partition, ask.from, [&](sqlite::log_block block) {
      return !take(block, ask.from, ask.most, bytes, out);
    });
  } catch (const sqlite::failure& error) {
    const auto code = sqlite::code_of(error.code(), errc::log_unavailable);
    if (code == errc::corrupt)
      note(error.what());
    // What stands before the damage is good.
    if (out.entries.empty())
      return make_error(code, error.what());
  }
  if (out.entries.empty())
    return make_error(errc::gap, file_ + " has no record at offset " + std::to_string(ask.from)
                                     + " of partition " + std::to_string(ask.partition));
  out.end_offset = std::max(end, out.entries.back().offset + 1);
  return out;
}

caf::expected<std::unique_ptr<event_log>> sqlite_log::open(config settings) {
  auto made = std::make_unique<impl>(std::move(settings));
  try {
    made->open();
  } catch (const sqlite::failure& error) {
    std::string text = error.what();
    if (text.find(made->file_) == std::string::npos)
      text = made->file_ + ": " + text;
    return make_error(sqlite::code_of(error.code(), errc::log_unavailable), text);
  }
  return std::unique_ptr<event_log>(new sqlite_log(std::move(made)));
}

sqlite_log::sqlite_log(std::unique_ptr<impl> x) : impl_(std::move(x)) {}

sqlite_log::~sqlite_log() {
  impl_->close();
}

const std::string& sqlite_log::topic() const {
  return impl_->settings_.topic;
}

uint32_t sqlite_log::partitions() const {
  return impl_->settings_.partitions;
}

void sqlite_log::append(std::vector<log_record> batch, append_done done) {
  impl_->append(std::move(batch), std::move(done));
}

void sqlite_log::fetch(uint32_t partition, int64_t from, fetch_limits most, fetch_done done) {
  impl_->fetch({partition, from, most, std::move(done)});
}

void sqlite_log::applied(uint32_t partition, int64_t below) {
  impl_->applied(partition, below);
}

std::string sqlite_log::health() const {
  std::lock_guard guard{impl_->lock_};
  return impl_->trouble_;
}

} // namespace footfall
