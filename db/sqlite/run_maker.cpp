#include "db/sqlite/run_maker.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <sqlite3.h>

namespace footfall::sqlite {

namespace {

constexpr uint64_t entries_of_step = 65'536;

} // namespace

run_maker::run_maker(std::string folder, uint64_t merged_a_second)
    : folder_(std::move(folder)), merged_a_second_(merged_a_second), thread_([this] { run(); }) {}

run_maker::~run_maker() {
  {
    std::lock_guard guard{lock_};
    stopping_ = true;
  }
  wakes_.notify_all();
  thread_.join();
}

run_maker::made::made(std::string path, hash_run_writer::finished x)
    : path_(std::move(path)), run_(std::make_shared<const hash_run>(std::move(x.run))),
      checksum_(x.checksum) {}

run_maker::made::~made() {
  if (!run_)
    return;
  try {
    disk_file::remove(path_);
  } catch (const failure&) {
    // The next start removes it.
  }
}

std::shared_ptr<const hash_run> run_maker::made::keep() {
  return std::exchange(run_, nullptr);
}

std::future<run_maker::made> run_maker::push(std::deque<task>& to, task x) {
  auto out = x.get_future();
  {
    std::lock_guard guard{lock_};
    to.push_back(std::move(x));
  }
  wakes_.notify_all();
  return out;
}

run_maker::made run_maker::write(const std::string& folder, const run_name& name,
                                 std::vector<hash_entry> entries) {
  std::sort(entries.begin(), entries.end());
  hash_run_writer to{folder, name, entries.size()};
  for (const auto& x : entries)
    to.add(x);
  return {folder + "/" + name.file(), to.finish()};
}

std::future<run_maker::made> run_maker::make(run_name name, std::vector<hash_entry> entries) {
  return push(makes_, task{[this, name = std::move(name), entries = std::move(entries)]() mutable {
                return write(folder_, name, std::move(entries));
              }});
}

std::future<run_maker::made> run_maker::merge(run_name name, runs from) {
  uint64_t round = 0;
  {
    std::lock_guard guard{lock_};
    round = round_;
  }
  return push(merges_, task{[this, name = std::move(name), from = std::move(from), round] {
                return merge_now(name, from, round);
              }});
}

void run_maker::cancel_merges() {
  {
    std::lock_guard guard{lock_};
    ++round_;
  }
  wakes_.notify_all();
}

/// Few runs: the smallest of their next entries is found by looking at each.
run_maker::made run_maker::merge_now(const run_name& name, const runs& from, uint64_t round) {
  uint64_t entries = 0;
  std::vector<hash_run::cursor> at;
  for (const auto& x : from) {
    entries += x->entries();
    at.emplace_back(*x);
  }
  hash_run_writer to{folder_, name, entries};
  const std::chrono::microseconds of_step{entries_of_step * 1'000'000 / merged_a_second_};
  auto next_at = std::chrono::steady_clock::now();
  for (uint64_t n = 0; n < entries; ++n) {
    hash_run::cursor* least = nullptr;
    for (auto& x : at)
      if (!x.is_at_end() && (!least || *x < **least))
        least = &x;
    to.add(**least);
    least->next();
    if (n % entries_of_step != entries_of_step - 1)
      continue;
    make_waiting();
    next_at = std::max(next_at + of_step, std::chrono::steady_clock::now());
    std::unique_lock guard{lock_};
    auto is_over = [&] { return stopping_ || round_ != round; };
    wakes_.wait_until(guard, next_at, [&] { return is_over() || !makes_.empty(); });
    if (is_over())
      throw failure(SQLITE_INTERRUPT, "nobody waits for it any more");
  }
  return {folder_ + "/" + name.file(), to.finish()};
}

void run_maker::make_waiting() {
  for (;;) {
    task next;
    {
      std::lock_guard guard{lock_};
      if (makes_.empty() || stopping_)
        return;
      next = std::move(makes_.front());
      makes_.pop_front();
    }
    next();
  }
}

void run_maker::run() {
  for (;;) {
    make_waiting();
    task next;
    {
      std::unique_lock guard{lock_};
      wakes_.wait(guard, [this] { return stopping_ || !makes_.empty() || !merges_.empty(); });
      if (stopping_)
        return;
      if (!makes_.empty())
        continue;
      next = std::move(merges_.front());
      merges_.pop_front();
    }
    next();
  }
}

} // namespace footfall::sqlite
