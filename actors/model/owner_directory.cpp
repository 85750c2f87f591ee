#include "actors/model/owner_directory.hpp"

namespace footfall::model {

void owner_directory::take(const std::vector<partition_owner>& rows, int64_t now_us) {
  for (const auto& row : rows) {
    if (row.partition >= most)
      continue;
    if (row.partition >= entries_.size())
      entries_.resize(row.partition + 1);
    auto& x = entries_[row.partition];
    // The beat may be older than what was told since.
    if (x.told_us != 0 && x.epoch > row.epoch && now_us - x.told_us < told_us)
      continue;
    x = {row.owner, row.epoch, 0};
  }
}

bool owner_directory::tell(const partition_owner& x, int64_t now_us) {
  if (x.partition >= most)
    return false;
  if (x.partition >= entries_.size())
    entries_.resize(x.partition + 1);
  auto& known = entries_[x.partition];
  if (x.epoch <= known.epoch)
    return false;
  known = {x.owner, x.epoch, now_us};
  return true;
}

const owner_id& owner_directory::owner_of(uint32_t partition) const {
  static const owner_id nobody;
  return partition < entries_.size() ? entries_[partition].owner : nobody;
}

} // namespace footfall::model
