#include "db/sqlite/store_tail.hpp"

#include <algorithm>
#include <cassert>

namespace footfall::sqlite {

store_tail::store_tail(connection& on, const late_counts& late)
    : late_(late), progress_(on, "SELECT t.topic_no << 10 | p.part, f.folded_offset, p.next_offset,"
                                 " coalesce(m.merged, 0), coalesce(m.until, 0), m.next_pair,"
                                 " m.next_page, m.next_minute, m.next_type"
                                 " FROM core_topics t JOIN partition_progress p USING (topic)"
                                 " JOIN fold_progress f USING (topic, part)"
                                 " LEFT JOIN core_merge_progress m"
                                 " ON m.slice = t.topic_no << 10 | p.part"),
      rows_(on, "SELECT position, page_no, user_no, site_no, type_no, at_us FROM core_events"
                " WHERE position >= ? AND position < ?") {}

void store_tail::refresh() {
  const reset_at_end end{progress_}; // Left open it would hold on to its snapshot.
  spans_.clear();
  while (progress_.step()) {
    const auto number = progress_.integer(0);
    const auto base = number << 48;
    if (slices_.size() <= static_cast<size_t>(number))
      slices_.resize(static_cast<size_t>(number) + 1);
    auto& x = slices_[static_cast<size_t>(number)];
    x.folded = base + progress_.integer(1);
    x.until = base + progress_.integer(4);
    x.next_pair = progress_.integer(5);
    x.next_minute = {static_cast<int32_t>(progress_.integer(6)),
                     static_cast<int32_t>(progress_.integer(7)),
                     static_cast<int32_t>(progress_.integer(8))};
    const auto late = take_spans(number, base + progress_.integer(3), x);
    assert(late <= x.folded); // The view was taken before the transaction began.
    needless_ += static_cast<size_t>(std::max<int64_t>(0, std::min(late, x.next) - x.late));
    x.late = late;
    x.next = std::max(x.next, late);
    read(x, base + progress_.integer(2));
  }
  if (needless_ > 1'000 && needless_ > kept_ / 2)
    drop_needless();
}

/// Takes the spans of a slice that are not merged. @returns the position behind them.
int64_t store_tail::take_spans(int64_t number, int64_t merged, const slice& of) {
  const auto at = std::lower_bound(view_->begin(), view_->end(), number,
                                   [](const std::shared_ptr<const late_counts::slice>& x,
                                      int64_t no) { return x->number < no; });
  if (at == view_->end() || (*at)->number != number)
    return merged;
  auto out = merged;
  for (const auto& x : (*at)->spans) {
    if (x->until <= merged)
      continue;                                          // Merged since.
    assert(x->from >= of.until || x->until <= of.until); // None is merged in part.
    if (x->until <= of.until)
      spans_.push_back({x.get(), of.next_pair, of.next_minute});
    else
      spans_.push_back({x.get(), 0, {}});
    out = x->until;
  }
  return out;
}

uint64_t store_tail::late_clicks_of(int32_t page_no, int32_t user_no) const {
  const auto pair = pair_key_of(page_no, user_no);
  uint64_t out = 0;
  for (const auto& x : spans_) {
    const auto& all = *x.counts;
    const auto i = pair < x.from_pair ? all.pairs.size() : all.place_of(pair);
    if (i < all.pairs.size() && all.pairs[i] == pair)
      out += all.clicks[i];
  }
  each_row_of(page_no, [&](const row& x) {
    out += x.user_no == user_no && !is_in_pairs(x, page_no) ? 1 : 0;
  });
  return out;
}

void store_tail::let_go() {
  spans_.clear();
  view_.reset();
}

void store_tail::forget() {
  slices_.clear();
  pages_.clear();
  spans_.clear();
  kept_ = 0;
  needless_ = 0;
}

void store_tail::read(slice& x, int64_t next) {
  if (x.next >= next)
    return;
  const reset_at_end end{rows_};
  rows_.bind(1, x.next).bind(2, next);
  while (rows_.step()) {
    const auto page_no = static_cast<int32_t>(rows_.integer(1));
    pages_[page_no].push_back({rows_.integer(0), static_cast<int32_t>(rows_.integer(2)),
                               static_cast<int32_t>(rows_.integer(3)),
                               static_cast<int32_t>(rows_.integer(4)), rows_.integer(5)});
    ++kept_;
  }
  x.next = next;
}

void store_tail::drop_needless() {
  kept_ = 0;
  for (auto at = pages_.begin(); at != pages_.end();) {
    auto& rows = at->second;
    rows.erase(std::remove_if(rows.begin(), rows.end(),
                              [&](const row& x) { return x.position < slice_of(x).late; }),
               rows.end());
    kept_ += rows.size();
    if (rows.empty())
      pages_.erase(at++);
    else
      ++at;
  }
  needless_ = 0;
}

} // namespace footfall::sqlite
