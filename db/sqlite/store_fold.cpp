#include <algorithm>
#include <cassert>
#include <tuple>

#include <sqlite3.h>

#include "db/sqlite/minute_range.hpp"
#include "db/sqlite/position_key.hpp"
#include "db/sqlite/store_writer.hpp"

/// The fold of store_writer: rows are grouped in memory and added in key order. Their pairs are
/// left to the merger.
namespace footfall::sqlite {

fold_result store_writer::fold(const generations::entry& of, uint32_t partition, int64_t from,
                               int64_t until) {
  fold_result out;
  move_folded_.bind(1, until).bind_text(2, of.topic).bind(3, partition).bind(4, from).run();
  out.moved = on_.changes() == 1;
  if (!out.moved || from == until)
    return out;
  assert(from < until); // Moved, and not to where it was.
  late_span clicks;
  clicks.from = position_key(of.topic_no, partition, from);
  clicks.until = position_key(of.topic_no, partition, until);
  scan(clicks.from, clicks.until);
  out.events = rows_.size();
  clicks.rows = rows_.size();
  fold_pairs(clicks);
  fold_totals(out);
  fold_minutes(clicks);
  fold_sites();
  merger_.add(std::move(clicks));
  return out;
}

void store_writer::scan(int64_t from, int64_t until) {
  rows_.clear();
  scan_.bind(1, from).bind(2, until);
  auto number = [&](int column) { return static_cast<int32_t>(scan_.integer(column)); };
  while (scan_.step()) {
    const int64_t at_us = scan_.integer(4);
    rows_.push_back({number(0), number(1), number(2), number(3),
                     static_cast<int32_t>(at_us / minute_us), at_us});
    if (rows_.back().page_no > 0 && rows_.back().user_no > 0)
      continue;
    scan_.reset();
    throw failure(SQLITE_CORRUPT,
                  "core_events has a row of no page or no user: the file is damaged; "
                  "put a backup in its place");
  }
  scan_.reset();
  std::sort(rows_.begin(), rows_.end(), [](const folded_row& a, const folded_row& b) {
    return pair_key_of(a.page_no, a.user_no) < pair_key_of(b.page_no, b.user_no);
  });
}

/// Rows stand in (page, user) order; leaves one delta for each page in pages_.
void store_writer::fold_pairs(late_span& out) {
  pages_.clear();
  for (const auto& row : rows_) {
    out.add(pair_key_of(row.page_no, row.user_no));
    if (pages_.empty() || pages_.back().page_no != row.page_no)
      pages_.push_back({row.page_no, row.site_no, 0, row.at_us});
    auto& page = pages_.back();
    ++page.clicks;
    page.last_at_us = std::max(page.last_at_us, row.at_us);
  }
}

uint64_t store_writer::total_of(int32_t page_no) {
  // RETURNING would make a table of its own for the one row.
  total_of_.bind(1, page_no);
  const auto out = total_of_.step() ? static_cast<uint64_t>(total_of_.integer(0)) : 0;
  total_of_.reset();
  return out;
}

void store_writer::fold_totals(fold_result& out) {
  for (const auto& x : pages_) {
    on_.set_last_rowid(0);
    add_totals_.bind(1, x.page_no)
        .bind(2, x.site_no)
        .bind(3, static_cast<int64_t>(x.clicks))
        .bind(4, x.last_at_us)
        .run();
    if (pages_.size() <= fold_records_max)
      out.pages.push_back({x.page_no, on_.last_rowid() != 0 ? x.clicks : total_of(x.page_no)});
  }
}

void store_writer::fold_minutes(late_span& out) {
  auto key = [](const folded_row& x) { return minute_key{x.page_no, x.minute, x.type_no}; };
  std::sort(rows_.begin(), rows_.end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
  for (const auto& row : rows_)
    out.add(key(row), row.site_no);
}

void store_writer::fold_sites() {
  auto key = [](const folded_row& x) { return std::tie(x.site_no, x.minute); };
  std::sort(rows_.begin(), rows_.end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
  for (size_t i = 0; i < rows_.size();) {
    const auto& row = rows_[i];
    int64_t clicks = 0;
    for (; i < rows_.size() && key(rows_[i]) == key(row); ++i)
      ++clicks;
    add_site_.bind(1, row.site_no).bind(2, row.minute).bind(3, clicks).run();
  }
}

} // namespace footfall::sqlite
