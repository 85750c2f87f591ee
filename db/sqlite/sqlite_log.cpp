#include "db/sqlite/sqlite_log_impl.hpp"

#include <algorithm>

#include <sqlite3.h>

#include "db/sqlite/migrate.hpp"

namespace footfall {

void sqlite_log::impl::reject(size_t n, outcome status, errc code, const append_done& done) {
  done(std::vector<append_outcome>(n, append_outcome{status, code, {}}));
}

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
  sqlite::checkpointer::config how;
  how.file = file_;
  how.how.application_id = sqlite::log_application_id;
  how.pages = settings_.checkpoint_pages;
  checkpoints_ = std::make_unique<sqlite::checkpointer>(std::move(how));
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
  checkpoints_.reset();
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

void sqlite_log::impl::look(open_look ask) {
  if (ask.partition >= settings_.partitions)
    return ask.done(make_error(errc::invalid_argument, "no such partition"));
  bool closed = false;
  {
    std::lock_guard guard{lock_};
    closed = writer_ended_;
    if (!closed)
      looks_.push_back(std::move(ask));
  }
  if (closed)
    return ask.done(make_error(errc::shutting_down, "the log is closed"));
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
  return impl_->name_;
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

void sqlite_log::look(uint32_t partition, int64_t offset, look_done done) {
  impl_->look({partition, offset, std::move(done)});
}

void sqlite_log::applied(uint32_t partition, int64_t below) {
  impl_->applied(partition, below);
}

std::string sqlite_log::health() const {
  std::lock_guard guard{impl_->lock_};
  return impl_->trouble_;
}

} // namespace footfall
