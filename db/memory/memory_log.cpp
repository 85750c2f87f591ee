#include "db/memory/memory_log.hpp"

#include <algorithm>
#include <set>

namespace footfall {

namespace {

std::vector<append_outcome> all_failed(size_t n, outcome status, errc code) {
  return std::vector<append_outcome>(n, append_outcome{status, code, {}});
}

bool is_certain(errc code) noexcept {
  return code == errc::overloaded || code == errc::disk_full || code == errc::invalid_argument;
}

} // namespace

memory_log::memory_log(config settings)
    : config_(std::move(settings)), slices_(config_.partitions), identity_(config_.identity),
      deliveries_(config_.manual) {}

memory_log::~memory_log() {
  release();
  for (auto& x : slices_)
    if (x.waiting)
      x.waiting->done(make_error(errc::shutting_down, "the log is closed"));
}

void memory_log::fail_next(errc code, bool stored) {
  std::lock_guard guard{lock_};
  failures_.push_back({code, stored});
}

void memory_log::store(std::vector<log_record>& batch, std::vector<append_outcome>& outcomes) {
  const int64_t now = config_.now();
  for (auto& record : batch) {
    auto& slice = slices_[record.partition];
    const auto at = slice.end++;
    outcomes.push_back({outcome::accepted, errc::none, {record.partition, at}});
    slice.entries.push_back({at, now, record_format::protobuf, std::move(record.value)});
  }
}

void memory_log::append(std::vector<log_record> batch, append_done done) {
  const size_t n = batch.size();
  std::vector<append_outcome> outcomes;
  std::set<uint32_t> touched;
  for (const auto& record : batch)
    touched.insert(record.partition);
  {
    std::lock_guard guard{lock_};
    failure planned;
    if (!failures_.empty()) {
      planned = failures_.front();
      failures_.pop_front();
    } else if (n > config_.batch_records_max) {
      planned.code = errc::overloaded;
    } else if (!touched.empty() && *touched.rbegin() >= slices_.size()) {
      planned.code = errc::invalid_argument;
    }
    if (planned.code == errc::none || planned.stored)
      store(batch, outcomes);
    if (planned.code != errc::none)
      outcomes = all_failed(n, is_certain(planned.code) ? outcome::rejected : outcome::unknown,
                            planned.code);
  }
  deliveries_.deliver([done = std::move(done), outcomes = std::move(outcomes)]() mutable {
    done(std::move(outcomes));
  });
  for (auto partition : touched)
    if (partition < partitions_found())
      serve_waiting(partition);
}

std::optional<caf::expected<log_batch>> memory_log::read(uint32_t partition, int64_t from,
                                                         fetch_limits most) const {
  const auto& slice = slices_[partition];
  if (from < slice.first || from > slice.end)
    return make_error(errc::gap, "partition " + std::to_string(partition) + " holds offsets "
                                     + std::to_string(slice.first) + " to "
                                     + std::to_string(slice.end) + ", not " + std::to_string(from));
  if (from == slice.end)
    return std::nullopt;
  log_batch out;
  out.partition = partition;
  out.first_offset = from;
  out.next_offset = out.end_offset = slice.end;
  size_t bytes = 0;
  auto at = std::lower_bound(slice.entries.begin(), slice.entries.end(), from,
                             [](const auto& x, int64_t offset) { return x.offset < offset; });
  for (; at != slice.entries.end(); ++at) {
    bytes += at->value.size();
    if (out.entries.size() >= most.records || (!out.entries.empty() && bytes > most.bytes)) {
      out.next_offset = out.entries.back().offset + 1;
      break;
    }
    out.entries.push_back(*at);
  }
  return out;
}

void memory_log::serve_waiting(uint32_t partition) {
  std::optional<caf::expected<log_batch>> answer;
  fetch_done done;
  {
    std::lock_guard guard{lock_};
    auto& waiting = slices_[partition].waiting;
    if (!waiting)
      return;
    answer = read(partition, waiting->from, waiting->most);
    if (!answer)
      return;
    done = std::move(waiting->done);
    waiting.reset();
  }
  deliveries_.deliver(
      [done = std::move(done), answer = std::move(*answer)]() mutable { done(std::move(answer)); });
}

void memory_log::fetch(uint32_t partition, int64_t from, fetch_limits most, fetch_done done) {
  if (partition >= partitions_found() || from < 0 || most.records == 0)
    return deliveries_.deliver([done = std::move(done)] {
      done(make_error(errc::invalid_argument, "no such partition, offset or limit"));
    });
  std::optional<open_fetch> replaced;
  {
    std::lock_guard guard{lock_};
    auto& waiting = slices_[partition].waiting;
    replaced.swap(waiting);
    waiting = open_fetch{from, most, std::move(done)};
  }
  if (replaced)
    deliveries_.deliver([done = std::move(replaced->done)] {
      done(make_error(errc::timeout, "a newer fetch of the partition took over"));
    });
  serve_waiting(partition);
}

void memory_log::look(uint32_t partition, int64_t offset, look_done done) {
  caf::expected<log_view> out{make_error(errc::invalid_argument, "no such partition")};
  if (partition < partitions_found()) {
    std::lock_guard guard{lock_};
    const auto& slice = slices_[partition];
    log_view view{identity_, slice.first, slice.end, {}};
    for (const auto& x : slice.entries)
      if (x.offset == offset)
        view.at.push_back(x);
    out = std::move(view);
  }
  auto answer = [done = std::move(done), out = std::move(out)]() mutable { done(std::move(out)); };
  {
    std::lock_guard guard{lock_};
    if (holds_looks_) {
      held_looks_.push_back(std::move(answer));
      return;
    }
  }
  deliveries_.deliver(std::move(answer));
}

void memory_log::hold_looks(bool on) {
  std::vector<deliveries::callback> held;
  {
    std::lock_guard guard{lock_};
    holds_looks_ = on;
    if (!on)
      held.swap(held_looks_);
  }
  for (auto& answer : held)
    deliveries_.deliver(std::move(answer));
}

void memory_log::make_anew(std::string identity) {
  std::lock_guard guard{lock_};
  identity_ = std::move(identity);
  for (auto& slice : slices_) {
    slice.entries.clear();
    slice.first = slice.end = 0;
  }
}

void memory_log::cut(uint32_t partition, int64_t end) {
  std::lock_guard guard{lock_};
  auto& slice = slices_[partition];
  while (!slice.entries.empty() && slice.entries.back().offset >= end)
    slice.entries.pop_back();
  slice.first = std::min(slice.first, end);
  slice.end = std::min(slice.end, end);
}

void memory_log::lose(uint32_t partition, int64_t below) {
  applied(partition, below);
}

void memory_log::applied(uint32_t partition, int64_t below) {
  std::lock_guard guard{lock_};
  if (partition >= slices_.size() || config_.retains)
    return;
  auto& slice = slices_[partition];
  slice.first = std::max(slice.first, std::min(below, slice.end));
  while (!slice.entries.empty() && slice.entries.front().offset < below)
    slice.entries.pop_front();
}

uint32_t memory_log::partitions_found() const {
  std::lock_guard guard{lock_};
  return static_cast<uint32_t>(slices_.size());
}

void memory_log::add_partition() {
  std::lock_guard guard{lock_};
  slices_.emplace_back();
}

void memory_log::skip(uint32_t partition, int64_t count) {
  {
    std::lock_guard guard{lock_};
    slices_[partition].end += count;
  }
  serve_waiting(partition);
}

} // namespace footfall
