#include "db/sqlite/event_ids.hpp"

#include <algorithm>
#include <cstring>

namespace footfall::sqlite {

namespace {

/// 64 bits of a key that sort as it does, so that ids that sort by time stay
/// together. In UUIDv7 the low 16 of the first 64 hold a version and 12 random
/// bits; random bits of the second half take the place of the version.
int64_t hash_of(const event_key& key, int32_t site_no) noexcept {
  uint64_t high = 0;
  for (size_t i = 0; i < 8; ++i)
    high = high << 8 | key[i];
  const uint64_t low16 = static_cast<uint64_t>(key[14]) << 8 | key[15];
  high = (high & ~uint64_t{0xffff}) | (((high << 4) ^ low16) & 0xffff);
  return static_cast<int64_t>(high ^ (static_cast<uint64_t>(site_no - 1) * 0x9e3779b97f4a7c15u));
}

std::string_view bytes_of(const event_key& key) noexcept {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

} // namespace

event_ids::event_ids(connection& on)
    : on_(on), insert_(on, "INSERT INTO core_event_ids VALUES (?, ?) ON CONFLICT DO NOTHING"),
      find_(on, "SELECT position FROM core_event_ids WHERE hash = ?"),
      row_(on, "SELECT payload_hash, site_no, event_key FROM core_events WHERE position = ?"),
      insert_clash_(on, "INSERT INTO core_event_id_clashes VALUES (?, ?, ?)"
                        " ON CONFLICT DO NOTHING"),
      find_clash_(on, "SELECT position FROM core_event_id_clashes"
                      " WHERE event_key = ? AND site_no = ?") {}

void event_ids::admit(std::vector<candidate>& batch) {
  order_.clear();
  for (uint32_t i = 0; i < batch.size(); ++i)
    order_.emplace_back(hash_of(batch[i].row->key, batch[i].site_no), i);
  std::sort(order_.begin(), order_.end());
  for (const auto& [hash, i] : order_)
    admit_one(batch[i], hash, batch);
}

event_ids::stored event_ids::compare(const candidate& x, int64_t position,
                                     const std::vector<candidate>& batch) {
  auto at = std::lower_bound(batch.begin(), batch.end(), position,
                             [](const candidate& a, int64_t b) { return a.position < b; });
  if (at != batch.end() && at->position == position)
    return {at->row->key == x.row->key && at->site_no == x.site_no, at->row->payload_hash};
  row_.bind(1, position);
  stored out;
  if (row_.step()) {
    out.payload_hash = static_cast<int32_t>(row_.integer(0));
    out.is_same = row_.integer(1) == x.site_no && row_.blob(2) == bytes_of(x.row->key);
  }
  row_.reset();
  return out;
}

void event_ids::admit_one(candidate& x, int64_t hash, const std::vector<candidate>& batch) {
  insert_.bind(1, hash).bind(2, x.position).run();
  x.is_fresh = on_.changes() == 1;
  if (x.is_fresh)
    return;
  find_.bind(1, hash);
  int64_t other = find_.step() ? find_.integer(0) : -1;
  find_.reset();
  auto found = compare(x, other, batch);
  if (!found.is_same) {
    const auto key = bytes_of(x.row->key);
    insert_clash_.bind_blob(1, key).bind(2, x.site_no).bind(3, x.position).run();
    x.is_fresh = on_.changes() == 1;
    if (x.is_fresh)
      return;
    find_clash_.bind_blob(1, key).bind(2, x.site_no);
    other = find_clash_.step() ? find_clash_.integer(0) : -1;
    find_clash_.reset();
    found = compare(x, other, batch);
  }
  x.is_conflict = found.payload_hash != x.row->payload_hash;
}

} // namespace footfall::sqlite
