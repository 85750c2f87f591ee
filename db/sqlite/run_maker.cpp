#include "db/sqlite/run_maker.hpp"

#include <algorithm>
#include <chrono>

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
  made out;
  out.checksum = to.finish();
  out.run = std::make_unique<hash_run>(folder, name, out.checksum);
  return out;
}

std::future<run_maker::made> run_maker::make(run_name name, std::vector<hash_entry> entries) {
  return push(makes_, task{[this, name = std::move(name), entries = std::move(entries)]() mutable {
                return write(folder_, name, std::move(entries));
              }});
}

std::future<run_maker::made> run_maker::merge(run_name name, runs from) {
  return push(merges_, task{[this, name = std::move(name), from = std::move(from)] {
                return merge_now(name, from);
              }});
}

/// Few runs: the smallest of their next entries is found by looking at each.
run_maker::made run_maker::merge_now(const run_name& name, const runs& from) {
  uint64_t entries = 0;
  std::vector<hash_run::cursor> at;
  for (const auto& x : from) {
    entries += x->entries();
    at.emplace_back(*x);
  }
  hash_run_writer to{folder_, name, entries};
  const auto began = std::chrono::steady_clock::now();
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
    std::unique_lock guard{lock_};
    wakes_.wait_until(guard, began + std::chrono::microseconds(n * 1'000'000 / merged_a_second_),
                      [this] { return stopping_ || !makes_.empty(); });
    if (stopping_)
      throw failure(SQLITE_INTERRUPT, "the store closes");
  }
  made out;
  out.checksum = to.finish();
  out.run = std::make_unique<hash_run>(folder_, name, out.checksum);
  return out;
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
