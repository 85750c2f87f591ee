#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "db/sqlite/database.hpp"
#include "db/sqlite/late_counts.hpp"
#include "db/sqlite/minute_range.hpp"

namespace footfall::sqlite {

/// What the aggregates do not have, as a reader has seen it: the rows that are applied and not yet
/// folded, each of which is read once, and the counts that are folded and wait for their merge. One
/// thread; throws `failure`.
class store_tail {
public:
  struct row {
    int64_t position = 0;
    int32_t user_no = 0;
    int32_t site_no = 0;
    int32_t type_no = 0;
    int64_t at_us = 0;
  };

  store_tail(connection& on, const late_counts& late);

  /// Before a transaction begins.
  void look() { view_ = late_.now(); }
  /// Goes along to the snapshot of the transaction that is open.
  void refresh();
  /// After a transaction: what was merged since is not kept in memory for it.
  void let_go();
  /// After a failure: begins anew.
  void forget();

  template <class Use>
  void each_of_page(int32_t page_no, Use use) const {
    each_row_of(page_no, [&](const row& x) {
      if (!is_folded(x))
        use(x);
    });
  }
  /// Clicks of a pair that its block does not have.
  uint64_t late_clicks_of(int32_t page_no, int32_t user_no) const;
  /// The same of all users of a page, in no order: some several times.
  template <class Use>
  void each_late_user_of(int32_t page_no, Use use) const {
    for (const auto& x : spans_) {
      const auto& all = *x.counts;
      const auto first = std::max(pair_key_of(page_no, 0), x.from_pair);
      for (auto i = all.place_of(first);
           i < all.pairs.size() && all.pairs[i] < end_of_page(page_no); ++i)
        use(static_cast<int32_t>(all.pairs[i] & 0xffffffff), uint64_t{all.clicks[i]});
    }
    each_row_of(page_no, [&](const row& x) {
      if (!is_in_pairs(x, page_no))
        use(x.user_no, uint64_t{1});
    });
  }
  /// Minutes and types of a page that the tables do not have; in no order.
  template <class Use>
  void each_late_minute_of(int32_t page_no, Use use) const {
    for (const auto& x : spans_) {
      const auto& all = x.counts->minutes;
      const auto first =
          std::max(minute_key{page_no, std::numeric_limits<int32_t>::min(), 0}, x.from_minute);
      for (auto i = x.counts->place_of(first); i < all.size() && all[i].key.page_no == page_no; ++i)
        use(all[i].key.minute, all[i].key.type_no, uint64_t{all[i].clicks});
    }
    each_row_of(page_no, [&](const row& x) {
      if (const auto key = minute_of(x, page_no); !is_in_minutes(x, key))
        use(key.minute, key.type_no, uint64_t{1});
    });
  }
  /// The same of all pages, with their sites.
  template <class Use>
  void each_late_minute(Use use) const {
    for (const auto& x : spans_)
      for (auto i = x.counts->place_of(x.from_minute); i < x.counts->minutes.size(); ++i) {
        const auto& [key, site_no, clicks] = x.counts->minutes[i];
        use(site_no, key.page_no, key.minute, uint64_t{clicks});
      }
    for (const auto& [page_no, rows] : pages_)
      for (const auto& x : rows)
        if (const auto key = minute_of(x, page_no); !is_in_minutes(x, key))
          use(x.site_no, page_no, key.minute, uint64_t{1});
  }
  template <class Use>
  void each(Use use) const {
    for (const auto& [page_no, rows] : pages_)
      for (const auto& x : rows)
        if (!is_folded(x))
          use(page_no, x);
  }

private:
  struct slice {
    int64_t folded = 0;     ///< Position that is not folded yet.
    int64_t late = 0;       ///< The same of those that are neither merged nor in a span,
    int64_t until = 0;      ///< unless the row is below this one
    int64_t next_pair = 0;  ///< and its pair is lower than this: then it is in a block;
    minute_key next_minute; ///< the same for minutes and types.
    int64_t next = 0;       ///< Position that was not read yet.
  };
  struct span {
    const late_span* counts = nullptr; ///< Of view_.
    int64_t from_pair = 0;             ///< Those below are in blocks,
    minute_key from_minute;            ///< and these in the tables of minutes and types.
  };
  template <class Use>
  void each_row_of(int32_t page_no, Use use) const {
    if (const auto at = pages_.find(page_no); at != pages_.end())
      for (const auto& x : at->second)
        use(x);
  }
  static minute_key minute_of(const row& x, int32_t page_no) {
    return {page_no, static_cast<int32_t>(x.at_us / minute_us), x.type_no};
  }
  bool is_folded(const row& x) const { return x.position < slice_of(x).folded; }
  bool is_in_pairs(const row& x, int32_t page_no) const {
    const auto& of = slice_of(x);
    return x.position < of.late
           || (x.position < of.until && pair_key_of(page_no, x.user_no) < of.next_pair);
  }
  bool is_in_minutes(const row& x, const minute_key& key) const {
    const auto& of = slice_of(x);
    return x.position < of.late || (x.position < of.until && key < of.next_minute);
  }
  const slice& slice_of(const row& x) const {
    return slices_[static_cast<size_t>(x.position >> 48)];
  }
  int64_t take_spans(int64_t number, int64_t merged, const slice& of);
  void read(slice& x, int64_t next);
  void drop_needless();

  const late_counts& late_;
  std::shared_ptr<const late_counts::view> view_;
  std::vector<span> spans_;
  statement progress_;
  statement rows_;
  std::vector<slice> slices_; ///< By the upper bits of a position.
  absl::flat_hash_map<int32_t, std::vector<row>> pages_;
  size_t kept_ = 0;     ///< Rows in pages_.
  size_t needless_ = 0; ///< About how many of them say nothing any more.
};

} // namespace footfall::sqlite
