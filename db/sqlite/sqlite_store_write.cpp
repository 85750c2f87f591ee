#include "db/sqlite/sqlite_store_impl.hpp"

#include <sqlite3.h>

#include "db/sqlite/disk_file.hpp"
#include "proto/failpoint.hpp"

/// The writer thread of sqlite_store: one transaction for what waits.
namespace footfall {

namespace {

constexpr std::chrono::milliseconds idle_after{250};
constexpr std::chrono::milliseconds retry_after{1'000}; ///< A merge that failed, or has a pause.
constexpr std::chrono::seconds merges_at_end{1};        ///< None begins later.

} // namespace

caf::error sqlite_store::impl::failed(const sqlite::failure& error, bool certain) {
  auto code = sqlite::code_of(error.code(), errc::store_unavailable);
  if (code == errc::disk_full && !certain)
    code = errc::store_unavailable;
  if ((error.code() & 0xff) == SQLITE_CONSTRAINT || (error.code() & 0xff) == SQLITE_MISUSE)
    code = errc::internal;
  const auto text = file + ": " + error.what();
  std::lock_guard guard{trouble_lock};
  trouble = text;
  return make_error(code, text);
}

void sqlite_store::impl::sync_failed(const sqlite::failure& error) {
  std::lock_guard guard{trouble_lock};
  sync_trouble = file + ": " + error.what()
                 + "; what is on the disk is not known any more, so the event log keeps all: look "
                   "after the disk and start the node again";
}

/// Runs calls in one transaction.
sqlite_store::impl::turn_result
sqlite_store::impl::run_together(std::vector<sqlite::write_call>& calls, size_t from,
                                 size_t until) {
  bool committing = false;
  try {
    if (!writing->roll_back())
      throw sqlite::failure(SQLITE_IOERR, "an earlier transaction cannot be ended");
    writer->before_all();
    writing->run("BEGIN IMMEDIATE");
    for (size_t i = from; i < until; ++i)
      calls[i].work(*writer);
    writer->finish();
    committing = true;
    writing->run("COMMIT");
  } catch (const sqlite::failure& error) {
    const bool undone = writing->roll_back();
    writer->rolled_back();
    if (!dynamic_cast<const sqlite::file_failure*>(&error))
      checkpoints->doubt(error);
    // A commit that failed while syncing may be in the file after a crash.
    return {failed(error, undone && (!committing || (error.code() & 0xff) == SQLITE_FULL))};
  }
  writer->committed();
  bool waits = false;
  for (size_t i = from; i < until; ++i)
    waits = waits || calls[i].weight.outlives_power;
  try {
    if (waits)
      writing->sync_wal();
  } catch (const sqlite::failure& error) {
    checkpoints->doubt(error);
    return {failed(error, false), true};
  }
  return {caf::none, true};
}

/// A step of a merge, when one is due. @returns false when there was none, or it failed.
bool sqlite_store::impl::merge_some(bool is_idle) {
  const auto counts = writer->merge_due(is_idle);
  if (counts == 0)
    return false;
  std::vector<sqlite::write_call> step(1);
  step[0].work = [counts](sqlite::store_writer& x) {
    x.merge(counts);
    failpoint("merge.before_commit");
  };
  std::string before; // What calls met is not to be lost in what a merge meets.
  {
    std::lock_guard guard{trouble_lock};
    before = trouble;
  }
  const auto done = run_together(step, 0, 1);
  failpoint("merge.after_commit");
  auto why = done.error ? text_of(done.error) : std::string{};
  if (const auto at = why.find(file + ": "); at != std::string::npos)
    why.erase(at, file.size() + 2); // health() and failed() say it.
  if (done.error)
    writer->merge_failed(why);
  checkpoints->committed(*writing);
  const auto stuck = writer->merge_trouble();
  std::lock_guard guard{trouble_lock};
  merge_trouble = stuck;
  if (!done.error || !stuck.empty()) // Else the next call that succeeds says that it is over.
    trouble = done.error ? before : std::string{};
  return !done.error;
}

/// Waits for calls, and merges while none come. @returns false at the end.
bool sqlite_store::impl::take(std::vector<sqlite::write_call>& waiting) {
  for (auto wait = idle_after; writer->has_late() && writes.is_idle_for(wait);)
    wait = merge_some(true) ? std::chrono::milliseconds{0} : retry_after;
  return writes.take(waiting);
}

void sqlite_store::impl::write_loop() {
  std::vector<sqlite::write_call> waiting;
  while (!waiting.empty() || take(waiting)) {
    writes.take_now(waiting); // What came during the last turn may wait longer than the rest.
    auto calls = sqlite::take_turn(waiting, sqlite::turn_rows_max);
    const auto all = run_together(calls, 0, calls.size());
    const bool again = all.error && !all.is_committed && (calls.size() > 1 || writer->is_damaged());
    for (size_t i = 0; i < calls.size(); ++i) {
      // One that fails must not take the others with it: each for itself then.
      auto own = again ? run_together(calls, i, i + 1) : all;
      if (again && own.error && !own.is_committed && writer->is_damaged())
        own = run_together(calls, i, i + 1); // Its index is made again before.
      if (!own.error) {
        std::lock_guard guard{trouble_lock};
        trouble.clear();
      }
      calls[i].answer(own.error);
    }
    checkpoints->committed(*writing); // Nobody waits for this thread now.
    merge_some(false);
  }
  const auto end = std::chrono::steady_clock::now() + merges_at_end;
  while (std::chrono::steady_clock::now() < end && merge_some(true)) {
  }
}

} // namespace footfall
