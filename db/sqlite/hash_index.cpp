#include "db/sqlite/hash_index.hpp"

#include <algorithm>
#include <cassert>
#include <filesystem>
#include <utility>

#include <sqlite3.h>

namespace footfall::sqlite {

namespace {

constexpr size_t runs_of_merge = 4;
/// So many times recent_max may be in memory while a run is written.
constexpr size_t recent_factor_max = 4;
constexpr std::chrono::seconds first_pause{1};
constexpr int level_of_added = 1;
/// What a merge leaves free on the disk.
constexpr uint64_t bytes_left_free = uint64_t{256} << 20;
constexpr size_t prefetched = 16;
constexpr int levels_max = 40;

} // namespace

hash_index::hash_index(connection& on, run_maker& maker, config how)
    : on_(on), maker_(maker), how_(std::move(how)),
      insert_(on, "INSERT INTO core_runs VALUES (?, ?, ?, ?, ?)"),
      remove_(on, "DELETE FROM core_runs WHERE of = ? AND number = ?") {}

run_name hash_index::new_name() const {
  uint64_t number = 0;
  sqlite3_randomness(sizeof number, &number);
  return {how_.store, how_.of, number >> 1}; // A positive number of SQLite.
}

void hash_index::open(bool has_progress) {
  statement named{on_, "SELECT number, level, entries, checksum FROM core_runs WHERE of = ?"
                       " ORDER BY entries DESC"};
  named.bind_text(1, how_.of);
  while (named.step()) {
    auto file = std::make_shared<const hash_run>(
        maker_.folder(), run_name{how_.store, how_.of, static_cast<uint64_t>(named.integer(0))},
        static_cast<uint64_t>(named.integer(3)));
    if (file->entries() != static_cast<uint64_t>(named.integer(2)))
      throw damaged_run(file->name().file() + ": it has not as many entries as core_runs says");
    runs_.push_back({std::move(file), static_cast<int>(named.integer(1))});
  }
  if (has_progress && runs_.empty())
    throw damaged_run("core_runs: there is none for " + how_.of);
  retire_strangers();
}

/// Files that no row names: of a run that was not finished, or that became part of another. A loss
/// of power may bring back the rows that name them, until the next sync.
void hash_index::retire_strangers() {
  std::vector<std::string> ours;
  for (const auto& x : runs_)
    ours.push_back(x.file->name().file());
  std::error_code failed;
  std::lock_guard guard{lock_};
  for (std::filesystem::directory_iterator at{maker_.folder(), failed}, end; !failed && at != end;
       at.increment(failed)) {
    const auto name = at->path().filename().string();
    if (name.rfind(how_.of + "-", 0) == 0 && at->path().extension() == ".run"
        && std::find(ours.begin(), ours.end(), name) == ours.end())
      retired_.push_back(name);
  }
}

void hash_index::forget() {
  maker_.cancel_merges();
  making_.reset();
  merging_.reset();
  runs_.clear();
  added_.clear();
  recent_.clear();
  frozen_.clear();
  twins_.clear();
  frozen_twins_.clear();
  put_.clear();
  twins_before_ = 0;
  statement all{on_, "DELETE FROM core_runs WHERE of = ?"};
  all.bind_text(1, how_.of).run();
  has_forgotten_ = true;
}

void hash_index::name_run(const run_maker::made& x, int level) {
  insert_.bind_text(1, how_.of)
      .bind(2, static_cast<int64_t>(x.run().name().number))
      .bind(3, level)
      .bind(4, static_cast<int64_t>(x.run().entries()))
      .bind(5, static_cast<int64_t>(x.checksum()))
      .run();
}

void hash_index::add_run(std::vector<hash_entry> entries) {
  auto made = run_maker::write(maker_.folder(), new_name(), std::move(entries));
  name_run(made, level_of_added);
  added_.push_back(std::move(made));
}

void hash_index::put(uint64_t hash, int64_t row) {
  if (recent_.try_emplace(hash, row).second)
    put_.push_back(hash);
  else
    twins_.emplace_back(hash, row);
}

void hash_index::find_in_memory(uint64_t hash, std::vector<int64_t>& out) const {
  for (const auto* known : {&recent_, &frozen_})
    if (const auto at = known->find(hash); at != known->end())
      out.push_back(at->second);
  for (const auto* all : {&twins_, &frozen_twins_})
    for (const auto& [other, row] : *all)
      if (other == hash)
        out.push_back(row);
}

void hash_index::prepare(const std::vector<uint64_t>& hashes) {
  assert(std::is_sorted(hashes.begin(), hashes.end()));
  hashes_ = hashes;
  prepared_.clear();
  std::vector<int64_t> rows;
  for (const auto& x : runs_) {
    const auto& file = *x.file;
    for (size_t i = 0; i < hashes.size(); ++i) {
      if (i + prefetched < hashes.size())
        file.prefetch(hashes[i + prefetched]);
      if (!file.may_have(hashes[i]))
        continue;
      rows.clear();
      file.find(hashes[i], rows);
      for (const auto row : rows)
        prepared_.emplace_back(i, row);
    }
  }
  std::sort(prepared_.begin(), prepared_.end());
}

void hash_index::find(size_t at, std::vector<int64_t>& out) const {
  assert(at < hashes_.size());
  find_in_memory(hashes_[at], out);
  auto x = std::lower_bound(prepared_.begin(), prepared_.end(), std::pair{at, INT64_MIN});
  for (; x != prepared_.end() && x->first == at; ++x)
    out.push_back(x->second);
}

bool hash_index::is_full() const {
  return !making_ && frozen_.empty() && recent_.size() + twins_.size() >= how_.recent_max;
}

bool hash_index::is_overfull() const {
  return recent_.size() >= recent_factor_max * how_.recent_max;
}

void hash_index::freeze() {
  assert(frozen_.empty() && put_.empty());
  frozen_.swap(recent_);
  frozen_twins_.swap(twins_);
  twins_before_ = 0;
  begin_make();
}

void hash_index::begin_make() {
  std::vector<hash_entry> entries;
  entries.reserve(frozen_.size() + frozen_twins_.size());
  for (const auto& [hash, row] : frozen_)
    entries.push_back({hash, row});
  for (const auto& [hash, row] : frozen_twins_)
    entries.push_back({hash, row});
  making_.emplace();
  making_->result = maker_.make(new_name(), std::move(entries));
}

/// Four of a level become one of the next.
void hash_index::begin_merge() {
  if (merging_ || !after_merge_.is_over())
    return;
  for (int level = 0; level < levels_max; ++level) {
    run_maker::runs from;
    for (const auto& x : runs_)
      if (x.level == level && from.size() < runs_of_merge)
        from.push_back(x.file);
    if (from.size() < runs_of_merge)
      continue;
    if (!has_space_for(from))
      return note_failure(after_merge_, "there is too little space on the disk to merge four");
    merging_.emplace();
    merging_->level = level + 1;
    for (const auto& x : from)
      merging_->from.push_back(x->name().number);
    merging_->result = maker_.merge(new_name(), std::move(from));
    return;
  }
}

bool hash_index::has_space_for(const run_maker::runs& all) const {
  uint64_t bytes = 0;
  for (const auto& x : all)
    bytes += x->bytes();
  std::error_code unknown;
  const auto space = std::filesystem::space(maker_.folder(), unknown);
  return unknown || space.available >= bytes + bytes_left_free;
}

void hash_index::note_failure(pause& after, const std::string& why) const {
  const bool is_first = after.length.count() == 0;
  after.length = is_first ? first_pause : std::min(2 * after.length, after.longest);
  after.until = steady::now() + after.length;
  after.why = why;
  if (is_first && how_.report)
    how_.report("a run of " + how_.of + " cannot be written, and is tried again: " + why);
}

/// @returns true when the run is made.
bool hash_index::take(std::optional<waiting>& x, pause& after) {
  if (!x || x->made)
    return x.has_value();
  if (x->result.wait_for(std::chrono::seconds{0}) != std::future_status::ready)
    return false;
  try {
    x->made = std::make_unique<run_maker::made>(x->result.get());
    after = {after.longest};
    return true;
  } catch (const damaged_run&) {
    x.reset();
    throw;
  } catch (const std::exception& error) {
    x.reset();
    note_failure(after, error.what());
    return false;
  }
}

void hash_index::enter(waiting& x) {
  for (const auto number : x.from)
    remove_.bind_text(1, how_.of).bind(2, static_cast<int64_t>(number)).run();
  name_run(*x.made, x.level);
  x.is_entering = true;
}

void hash_index::wait_for_room() {
  if (is_overfull() && making_ && making_->result.valid())
    making_->result.wait();
}

bool hash_index::finish() {
  if (!making_ && !frozen_.empty() && after_make_.is_over())
    begin_make();
  if (take(merging_, after_merge_))
    enter(*merging_);
  if (take(making_, after_make_)) {
    enter(*making_);
    return true;
  }
  if (is_overfull() && !put_.empty() && !making_ && !frozen_.empty())
    throw file_failure(SQLITE_FULL,
                       "a run of " + how_.of + " cannot be written: " + after_make_.why);
  return false;
}

void hash_index::install(waiting& x) {
  auto is_part = [&](const run& y) {
    const auto number = y.file->name().number;
    if (std::find(x.from.begin(), x.from.end(), number) == x.from.end())
      return false;
    std::lock_guard guard{lock_};
    retired_.push_back(y.file->name().file());
    return true;
  };
  runs_.erase(std::remove_if(runs_.begin(), runs_.end(), is_part), runs_.end());
  runs_.push_back({x.made->keep(), x.level});
}

void hash_index::committed() {
  put_.clear();
  twins_before_ = twins_.size();
  for (auto& x : added_)
    runs_.push_back({x.keep(), level_of_added});
  added_.clear();
  if (merging_ && merging_->is_entering) {
    install(*merging_);
    merging_.reset();
  }
  if (making_ && making_->is_entering) {
    install(*making_);
    making_.reset();
    frozen_.clear();
    frozen_twins_.clear();
  }
  if (std::exchange(has_forgotten_, false))
    retire_strangers();
  begin_merge();
}

void hash_index::rolled_back() {
  for (const auto hash : put_)
    recent_.erase(hash);
  put_.clear();
  twins_.resize(twins_before_);
  added_.clear();
  has_forgotten_ = false;
  for (auto* x : {&making_, &merging_})
    if (*x)
      (*x)->is_entering = false;
}

void hash_index::begin_sync() {
  std::lock_guard guard{lock_};
  leaving_.insert(leaving_.end(), retired_.begin(), retired_.end());
  retired_.clear();
}

void hash_index::synced() {
  std::vector<std::string> now;
  {
    std::lock_guard guard{lock_};
    now.swap(leaving_);
  }
  for (const auto& name : now)
    try {
      disk_file::remove(maker_.folder() + "/" + name);
    } catch (const failure&) {
      // A stranger of the next start.
    }
}

} // namespace footfall::sqlite
