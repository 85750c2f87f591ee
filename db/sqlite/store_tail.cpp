#include "db/sqlite/store_tail.hpp"

#include <algorithm>

namespace footfall::sqlite {

store_tail::store_tail(connection& on)
    : progress_(on, "SELECT t.topic_no << 10 | p.part, f.folded_offset, p.next_offset"
                    " FROM core_topics t JOIN partition_progress p USING (topic)"
                    " JOIN fold_progress f USING (topic, part)"),
      rows_(on, "SELECT position, page_no, user_no, site_no, type_no, at_us FROM core_events"
                " WHERE position >= ? AND position < ?") {}

void store_tail::refresh() {
  while (progress_.step()) {
    const auto index = static_cast<size_t>(progress_.integer(0));
    const int64_t base = progress_.integer(0) << 48;
    if (slices_.size() <= index)
      slices_.resize(index + 1);
    auto& x = slices_[index];
    const int64_t folded = base + progress_.integer(1);
    folded_ += static_cast<size_t>(std::max<int64_t>(0, std::min(folded, x.next) - x.folded));
    x.folded = folded;
    x.next = std::max(x.next, folded);
    read(x, base + progress_.integer(2));
  }
  progress_.reset();
  if (folded_ > 1'000 && folded_ > kept_ / 2)
    drop_folded();
}

void store_tail::forget() {
  slices_.clear();
  pages_.clear();
  kept_ = 0;
  folded_ = 0;
}

void store_tail::read(slice& x, int64_t next) {
  if (x.next >= next)
    return;
  rows_.bind(1, x.next).bind(2, next);
  while (rows_.step()) {
    const auto page_no = static_cast<int32_t>(rows_.integer(1));
    pages_[page_no].push_back({rows_.integer(0), static_cast<int32_t>(rows_.integer(2)),
                               static_cast<int32_t>(rows_.integer(3)),
                               static_cast<int32_t>(rows_.integer(4)), rows_.integer(5)});
    ++kept_;
  }
  rows_.reset();
  x.next = next;
}

void store_tail::drop_folded() {
  kept_ = 0;
  for (auto at = pages_.begin(); at != pages_.end();) {
    auto& rows = at->second;
    rows.erase(std::remove_if(rows.begin(), rows.end(), [&](const row& x) { return is_folded(x); }),
               rows.end());
    kept_ += rows.size();
    if (rows.empty())
      pages_.erase(at++);
    else
      ++at;
  }
  folded_ = 0;
}

} // namespace footfall::sqlite
