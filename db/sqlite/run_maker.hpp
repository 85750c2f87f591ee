#pragma once

#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "db/sqlite/hash_run.hpp"

namespace footfall::sqlite {

/// Writes runs on a thread of its own: entries that were in memory, and several runs as one.
/// The first go before the others, also before one that has begun; those write at a bounded rate,
/// so that commits find a disk that is not busy with them.
///
/// A future throws what went wrong: `failure`, `damaged_run` when a run that was to be read is.
/// Any thread may ask.
class run_maker {
public:
  /// A run that nothing names yet: unless keep() is called its file goes with this.
  class made {
  public:
    made(std::string path, hash_run_writer::finished x);
    ~made();
    made(made&&) = default;
    made& operator=(made&&) = delete;
    const hash_run& run() const noexcept { return *run_; }
    uint64_t checksum() const noexcept { return checksum_; }
    std::shared_ptr<const hash_run> keep();

  private:
    std::string path_;
    std::shared_ptr<const hash_run> run_;
    uint64_t checksum_ = 0;
  };
  using runs = std::vector<std::shared_ptr<const hash_run>>;

  /// `merged_a_second`: about how many entries of runs that become one.
  explicit run_maker(std::string folder, uint64_t merged_a_second = 4'000'000);
  /// What has not begun does not.
  ~run_maker();

  /// Of entries in any order.
  std::future<made> make(run_name name, std::vector<hash_entry> entries);
  /// The runs must stay on the disk until the future is there.
  std::future<made> merge(run_name name, runs from);
  /// Nobody waits any more for what was to become one.
  void cancel_merges();

  const std::string& folder() const noexcept { return folder_; }
  /// The same as make(), at once and in the thread of the caller.
  static made write(const std::string& folder, const run_name& name,
                    std::vector<hash_entry> entries);

private:
  using task = std::packaged_task<made()>;

  std::future<made> push(std::deque<task>& to, task x);
  made merge_now(const run_name& name, const runs& from, uint64_t round);
  void make_waiting();
  void run();

  const std::string folder_;
  const uint64_t merged_a_second_;
  std::mutex lock_;
  std::condition_variable wakes_;
  bool stopping_ = false;
  uint64_t round_ = 0; ///< Of merges; those of an earlier one are cancelled.
  std::deque<task> makes_;
  std::deque<task> merges_;
  std::thread thread_;
};

} // namespace footfall::sqlite
