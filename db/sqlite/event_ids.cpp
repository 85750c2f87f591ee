#include "db/sqlite/event_ids.hpp"

#include <algorithm>

#include "proto/seeded_bug.hpp"

namespace footfall::sqlite {

namespace {

/// 64 bits of a key that sort as it does, so that ids that sort by time stay
/// together. In UUIDv7 the low 16 of the first 64 hold a version and 12 random
/// bits; random bits of the second half take the place of the version.
int64_t hash_of(std::string_view key, int64_t site_no) noexcept {
  if (seeded_bug("unscoped-id"))
    site_no = 1;
  uint64_t high = 0;
  for (size_t i = 0; i < 8; ++i)
    high = high << 8 | static_cast<unsigned char>(key[i]);
  const uint64_t low16 = static_cast<uint64_t>(static_cast<unsigned char>(key[14])) << 8
                         | static_cast<unsigned char>(key[15]);
  high = (high & ~uint64_t{0xffff}) | (((high << 4) ^ low16) & 0xffff);
  return static_cast<int64_t>(high ^ (static_cast<uint64_t>(site_no - 1) * 0x9e3779b97f4a7c15u));
}

bool is_same_site(int64_t a, int64_t b) noexcept {
  return a == b || seeded_bug("unscoped-id");
}

std::string_view bytes_of(const event_key& key) noexcept {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

} // namespace

event_ids::event_ids(connection& on, size_t recent_max)
    : on_(on), recent_max_(recent_max),
      insert_(on, "INSERT INTO core_event_ids VALUES (?, ?) ON CONFLICT DO NOTHING"),
      find_(on, "SELECT position FROM core_event_ids WHERE hash = ?"),
      row_(on, "SELECT payload_hash, site_no, event_key FROM core_events WHERE position = ?"),
      insert_clash_(on, "INSERT INTO core_event_id_clashes VALUES (?, ?, ?)"
                        " ON CONFLICT DO NOTHING"),
      find_clash_(on, "SELECT position FROM core_event_id_clashes"
                      " WHERE event_key = ? AND site_no = ?"),
      progress_(on, "SELECT (t.topic_no << 10 | p.part) << 48, p.next_offset,"
                    " coalesce(i.complete, 0) FROM core_topics t"
                    " JOIN partition_progress p USING (topic)"
                    " LEFT JOIN core_id_progress i ON i.slice = (t.topic_no << 10 | p.part)"),
      put_progress_(on, "INSERT OR REPLACE INTO core_id_progress VALUES (?, ?)") {}

void event_ids::load() {
  has_table_ = on_.value("SELECT EXISTS (SELECT 1 FROM core_event_ids)") != 0;
  std::vector<std::pair<int64_t, int64_t>> slices;
  while (progress_.step())
    slices.emplace_back(progress_.integer(0) + progress_.integer(2),
                        progress_.integer(0) + progress_.integer(1));
  progress_.reset();
  for (const auto& [from, until] : slices)
    load_slice(from, until);
}

void event_ids::load_slice(int64_t from, int64_t until) {
  statement rows{on_, "SELECT position, site_no, event_key FROM core_events"
                      " WHERE position >= ? AND position < ?"};
  rows.bind(1, from).bind(2, until);
  while (rows.step()) {
    const auto key = rows.blob(2);
    if (key.size() != sizeof(event_key))
      continue;
    // Which of two that clash is here may be another one than before.
    if (!recent_.try_emplace(hash_of(key, rows.integer(1)), rows.integer(0)).second)
      insert_clash_.bind_blob(1, key).bind(2, rows.integer(1)).bind(3, rows.integer(0)).run();
  }
}

void event_ids::admit(std::vector<candidate>& batch) {
  order_.clear();
  for (uint32_t i = 0; i < batch.size(); ++i)
    order_.emplace_back(hash_of(bytes_of(batch[i].row->key), batch[i].site_no), i);
  std::sort(order_.begin(), order_.end());
  for (const auto& [hash, i] : order_)
    admit_one(batch[i], hash, batch);
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

int64_t event_ids::position_in_table(int64_t hash) {
  if (!has_table_)
    return -1;
  find_.bind(1, hash);
  const int64_t out = find_.step() ? find_.integer(0) : -1;
  find_.reset();
  return out;
}

void event_ids::admit_one(candidate& x, int64_t hash, const std::vector<candidate>& batch) {
  bool clashes = false;
  for (const auto* known : {&recent_, &moving_})
    if (auto at = known->find(hash); at != known->end()) {
      if (is_at(x, at->second, batch))
        return;
      clashes = true;
    }
  if (const int64_t at = position_in_table(hash); at >= 0) {
    if (is_at(x, at, batch))
      return;
    clashes = true;
  }
  if (clashes)
    return admit_clash(x, batch);
  x.is_fresh = true;
  recent_.emplace(hash, x.position);
  admitted_.push_back(hash);
}

void event_ids::admit_clash(candidate& x, const std::vector<candidate>& batch) {
  const auto key = bytes_of(x.row->key);
  insert_clash_.bind_blob(1, key).bind(2, x.site_no).bind(3, x.position).run();
  x.is_fresh = on_.changes() == 1;
  if (x.is_fresh)
    return;
  find_clash_.bind_blob(1, key).bind(2, x.site_no);
  const int64_t at = find_clash_.step() ? find_clash_.integer(0) : -1;
  find_clash_.reset();
  is_at(x, at, batch);
}

/// Between transactions: all keys that are known belong to rows that are committed.
void event_ids::freeze() {
  targets_.clear();
  while (progress_.step())
    targets_.emplace_back(progress_.integer(0) >> 48, progress_.integer(1));
  progress_.reset();
  moving_.swap(recent_);
  recent_.clear();
  sorted_.assign(moving_.begin(), moving_.end());
  std::sort(sorted_.begin(), sorted_.end());
  moved_ = 0;
  moved_before_ = 0;
}

void event_ids::move_some() {
  if (moving_.empty())
    return;
  // Twice as many as came in, so that all have moved before as many have come again.
  const size_t some = std::max(recent_max_ / 64 + 1, 2 * admitted_.size());
  const size_t until = std::min(sorted_.size(), moved_ + some);
  for (; moved_ < until; ++moved_)
    insert_.bind(1, sorted_[moved_].first).bind(2, sorted_[moved_].second).run();
  if (moved_ == sorted_.size())
    for (const auto& [slice, complete] : targets_)
      put_progress_.bind(1, slice).bind(2, complete).run();
}

void event_ids::committed() {
  admitted_.clear();
  has_table_ = has_table_ || moved_ > 0;
  moved_before_ = moved_;
  if (!moving_.empty() && moved_ == sorted_.size()) {
    moving_.clear();
    sorted_.clear();
    moved_ = 0;
    moved_before_ = 0;
  }
  if (!moving_.empty() || recent_.size() < recent_max_)
    return;
  try {
    freeze();
  } catch (const failure&) {
    // Nothing moved; the next transaction tries again.
    progress_.reset();
  }
}

void event_ids::rolled_back() {
  for (auto hash : admitted_)
    recent_.erase(hash);
  admitted_.clear();
  moved_ = moved_before_;
}

} // namespace footfall::sqlite
