#include <algorithm>

#include "db/sqlite/sqlite_log_impl.hpp"

/// The reader thread of sqlite_log: fetches, from memory when it can.
namespace footfall {

namespace {

/// Takes the records of a block that come next, below the end.
/// @returns false when a limit or the end was reached, or when the next one is not here:
/// this log has no offset without a record, so that one is lost.
bool take(const sqlite::log_block& block, const fetch_limits& most, size_t& bytes, log_batch& out) {
  for (auto& at = out.next_offset; at < block.end(); ++at) {
    if (at >= out.end_offset || at < block.first)
      return false;
    const auto record = block.record(at);
    bytes += record.size();
    if (out.entries.size() >= most.records || (!out.entries.empty() && bytes > most.bytes))
      return false;
    out.entries.push_back({at, block.time_us, record_format::protobuf, std::string{record}});
  }
  return true;
}

} // namespace

void sqlite_log::impl::read_loop() {
  std::vector<open_fetch> work;
  std::vector<open_fetch> ended;
  std::vector<open_look> looks;
  while (true) {
    bool last = false;
    {
      std::unique_lock guard{lock_};
      reader_wakes_.wait(guard, [&] {
        ended.swap(ended_);
        looks.swap(looks_);
        for (auto& x : slices_)
          if (x.waiting && (x.waiting->from != x.next || writer_ended_)) {
            work.push_back(std::move(*x.waiting));
            x.waiting.reset();
          }
        last = writer_ended_;
        return last || !work.empty() || !ended.empty() || !looks.empty();
      });
    }
    for (auto& x : ended)
      x.done(make_error(errc::timeout, "a newer fetch of the partition took over"));
    ended.clear();
    answer_looks(looks, last);
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

/// None where it is damaged: what was applied is not needed again.
std::vector<log_entry> sqlite_log::impl::record_at(uint32_t partition, int64_t offset,
                                                   int64_t end) {
  log_batch out;
  out.first_offset = out.next_offset = offset;
  out.end_offset = end;
  size_t bytes = 0;
  try {
    reading_->read(partition, offset, [&](const sqlite::log_block& block) {
      take(block, {1, 1}, bytes, out);
      return true;
    });
  } catch (const sqlite::failure&) {
    out.entries.clear();
  }
  return std::move(out.entries);
}

void sqlite_log::impl::answer_looks(std::vector<open_look>& looks, bool closed) {
  for (auto& ask : looks) {
    if (closed) {
      ask.done(make_error(errc::shutting_down, "the log is closed"));
      continue;
    }
    log_view out;
    out.identity = "log=" + settings_.topic;
    {
      std::lock_guard guard{lock_};
      out.first = slices_[ask.partition].first;
      out.end = slices_[ask.partition].next;
    }
    if (ask.offset >= out.first && ask.offset < out.end)
      out.at = record_at(ask.partition, ask.offset, out.end);
    ask.done(std::move(out));
  }
  looks.clear();
}

void sqlite_log::impl::serve(open_fetch& ask) {
  log_batch out;
  out.partition = ask.partition;
  out.first_offset = out.next_offset = ask.from;
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
    if (!take(*block, ask.most, bytes, out))
      break;
  ask.done(std::move(out));
}

/// Reads below `end` only: the file may hold more already, committed but not yet
/// published, and whoever was given that would next ask for what is beyond the end.
caf::expected<log_batch> sqlite_log::impl::read_file(const open_fetch& ask, int64_t end) {
  log_batch out;
  out.partition = ask.partition;
  out.first_offset = out.next_offset = ask.from;
  out.end_offset = end;
  size_t bytes = 0;
  try {
    reading_->read(ask.partition, ask.from,
                   [&](sqlite::log_block block) { return !take(block, ask.most, bytes, out); });
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
                                     + " of partition " + std::to_string(ask.partition)
                                     + ", although it took one: it is damaged");
  return out;
}

} // namespace footfall
