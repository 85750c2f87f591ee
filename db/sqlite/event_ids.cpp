#include "db/sqlite/event_ids.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#define XXH_INLINE_ALL
#include <sqlite3.h>
#include <xxhash.h>

#include "proto/seeded_bug.hpp"

namespace footfall::sqlite {

namespace {

/// Times recent_max: rows that are read again become a run when they are so many.
constexpr size_t rows_of_run = 5;
constexpr uint64_t rows_of_report = 1'000'000;

bool is_same_site(int64_t a, int64_t b) noexcept {
  return a == b || seeded_bug("unscoped-id");
}

std::string_view bytes_of(const event_key& key) noexcept {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

/// The same for as long as the store lives.
uint64_t seed_of(connection& on) {
  uint64_t made = 0;
  sqlite3_randomness(sizeof made, &made);
  statement put{on, "INSERT OR IGNORE INTO core_meta VALUES ('hash_seed', ?)"};
  put.bind(1, static_cast<int64_t>(made)).run();
  return static_cast<uint64_t>(on.value("SELECT value FROM core_meta WHERE name = 'hash_seed'"));
}

} // namespace

event_ids::event_ids(connection& on, run_maker& maker, config how)
    : on_(on), how_(std::move(how)), seed_(seed_of(on)),
      index_(on, maker, {how_.store, "ids", how_.recent_max, how_.report}),
      row_(on, "SELECT payload_hash, site_no, event_key FROM core_events WHERE position = ?"),
      progress_(on, "SELECT t.topic_no << 10 | p.part, coalesce(i.complete, 0), p.next_offset"
                    " FROM core_topics t JOIN partition_progress p USING (topic)"
                    " LEFT JOIN core_id_progress i ON i.slice = (t.topic_no << 10 | p.part)"),
      put_progress_(on, "INSERT OR REPLACE INTO core_id_progress VALUES (?, ?)") {}

uint64_t event_ids::hash_of(std::string_view key, int64_t site_no) const {
  assert(key.size() == sizeof(event_key));
  if (seeded_bug("unscoped-id"))
    site_no = 1;
  char bytes[sizeof(event_key) + sizeof site_no];
  std::memcpy(bytes, key.data(), key.size());
  std::memcpy(bytes + key.size(), &site_no, sizeof site_no);
  return XXH3_64bits_withSeed(bytes, sizeof bytes, seed_) >> (64 - how_.hash_bits);
}

void event_ids::open() {
  std::string why;
  on_.run("BEGIN IMMEDIATE");
  try {
    index_.open(on_.value("SELECT EXISTS (SELECT 1 FROM core_id_progress WHERE complete > 0)")
                != 0);
  } catch (const damaged_run& error) {
    why = error.what();
  }
  on_.run("COMMIT");
  if (!why.empty())
    begin_again(why);
  load();
}

/// What was read before it failed is in runs; whoever comes within the next second is not kept.
void event_ids::before_all() {
  index_.wait_for_room();
  if (!is_damaged() && is_loaded_)
    return;
  if (steady::now() < mend_at_)
    throw *mend_failure_;
  try {
    if (is_damaged())
      begin_again(damage_);
    damage_.clear(); // Nothing of before counts any more.
    load();
    mend_failure_.reset();
  } catch (const failure& error) {
    on_.roll_back();
    index_.rolled_back();
    mend_at_ = steady::now() + std::chrono::seconds{1};
    throw mend_failure_.emplace(error.code(), error.what());
  }
}

void event_ids::begin_again(const std::string& why) {
  if (how_.report && !mend_failure_)
    how_.report("event ids: " + why + "; their index is made again from the rows");
  is_loaded_ = false;
  on_.run("BEGIN IMMEDIATE");
  index_.forget();
  on_.run("DELETE FROM core_id_progress");
  on_.run("COMMIT");
  index_.committed();
}

std::vector<event_ids::slice> event_ids::slices() {
  std::vector<slice> out;
  const reset_at_end end{progress_};
  while (progress_.step())
    out.push_back({progress_.integer(0), progress_.integer(1), progress_.integer(2)});
  return out;
}

void event_ids::load() {
  std::vector<slice> complete;
  std::vector<hash_entry> entries;
  loaded_ = 0;
  for (const auto& x : slices())
    load_slice(x, complete, entries);
  for (const auto& x : entries)
    index_.put(x.hash, x.row);
  index_.committed();
  is_loaded_ = true;
  if (loaded_ >= rows_of_report && how_.report)
    how_.report("event ids: the index is complete, of " + std::to_string(loaded_) + " rows");
}

void event_ids::load_slice(const slice& x, std::vector<slice>& complete,
                           std::vector<hash_entry>& entries) {
  complete.push_back({x.number, x.from, x.from});
  statement rows{on_, "SELECT position, site_no, event_key FROM core_events"
                      " WHERE position >= ? AND position < ? LIMIT ?"};
  for (bool is_all = false; !is_all;) {
    const auto some = static_cast<int64_t>(rows_of_run * how_.recent_max - entries.size());
    int64_t seen = 0;
    rows.bind(1, (x.number << 48) + complete.back().until).bind(2, (x.number << 48) + x.until);
    for (rows.bind(3, some); rows.step(); ++seen) {
      const auto key = rows.blob(2);
      complete.back().until = (rows.integer(0) & ((int64_t{1} << 48) - 1)) + 1;
      if (key.size() == sizeof(event_key))
        entries.push_back({hash_of(key, rows.integer(1)), rows.integer(0)});
      if (++loaded_ % rows_of_report == 0 && how_.report)
        how_.report("event ids: " + std::to_string(loaded_) + " rows read");
    }
    rows.reset();
    is_all = seen < some;
    if (is_all)
      complete.back().until = x.until;
    else
      add_run(complete, entries);
  }
}

/// What is done is kept, should the program end before all is.
void event_ids::add_run(const std::vector<slice>& complete, std::vector<hash_entry>& entries) {
  if (how_.is_over && how_.is_over())
    throw file_failure(SQLITE_INTERRUPT, "the store closes");
  on_.run("BEGIN IMMEDIATE");
  index_.add_run(std::move(entries));
  put_progress(complete);
  on_.run("COMMIT");
  index_.committed();
  entries.clear();
}

void event_ids::put_progress(const std::vector<slice>& complete) {
  for (const auto& x : complete)
    put_progress_.bind(1, x.number).bind(2, x.until).run();
}

void event_ids::admit(std::vector<candidate>& batch) {
  order_.clear();
  hashes_.clear();
  for (uint32_t i = 0; i < batch.size(); ++i)
    order_.emplace_back(hash_of(bytes_of(batch[i].row->key), batch[i].site_no), i);
  std::sort(order_.begin(), order_.end());
  for (const auto& [hash, i] : order_)
    hashes_.push_back(hash);
  try {
    index_.prepare(hashes_);
  } catch (const damaged_run& error) {
    damage_ = error.what();
    throw;
  }
  for (size_t n = 0; n < order_.size(); ++n) {
    auto& x = batch[order_[n].second];
    found_.clear();
    index_.find(n, found_);
    x.is_fresh = std::none_of(found_.begin(), found_.end(),
                              [&](int64_t row) { return is_at(x, row, batch); });
    if (x.is_fresh)
      index_.put(order_[n].first, x.position);
  }
}

bool event_ids::is_at(candidate& x, int64_t position, const std::vector<candidate>& batch) {
  stored found;
  auto at = std::lower_bound(batch.begin(), batch.end(), position,
                             [](const candidate& a, int64_t b) { return a.position < b; });
  if (at != batch.end() && at->position == position) {
    found = {at->row->key == x.row->key && is_same_site(at->site_no, x.site_no),
             at->row->payload_hash};
  } else {
    row_.bind(1, position);
    if (row_.step())
      found = {is_same_site(row_.integer(1), x.site_no) && row_.blob(2) == bytes_of(x.row->key),
               static_cast<int32_t>(row_.integer(0))};
    row_.reset();
  }
  x.is_conflict = found.is_same && found.payload_hash != x.row->payload_hash;
  return found.is_same;
}

void event_ids::finish() {
  try {
    if (index_.finish())
      put_progress(frozen_to_);
  } catch (const damaged_run& error) {
    damage_ = error.what(); // While merging: the rows of this transaction were looked up.
  }
}

void event_ids::committed() {
  index_.committed();
  if (!index_.is_full())
    return;
  try {
    frozen_to_ = slices();
    index_.freeze();
  } catch (const failure&) {
    // Nothing was frozen; the next transaction tries again.
  }
}

void event_ids::rolled_back() {
  index_.rolled_back();
}

} // namespace footfall::sqlite
