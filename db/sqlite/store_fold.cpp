#include <algorithm>
#include <cassert>
#include <tuple>

#include "db/sqlite/position_key.hpp"
#include "db/sqlite/store_writer.hpp"

/// The fold of store_writer: rows are grouped in memory and added in key order.
namespace footfall::sqlite {

namespace {

constexpr int64_t minute_us = 60'000'000;

int64_t pair_of(int32_t page_no, int32_t user_no) noexcept {
  return int64_t{page_no} << 32 | user_no;
}

} // namespace

fold_result store_writer::fold(const generations::entry& of, uint32_t partition, int64_t from,
                               int64_t until) {
  fold_result out;
  move_folded_.bind(1, until).bind_text(2, of.topic).bind(3, partition).bind(4, from).run();
  out.moved = on_.changes() == 1;
  if (!out.moved || from == until)
    return out;
  assert(from < until); // Moved, and not to where it was.
  scan(position_key(of.topic_no, partition, from), position_key(of.topic_no, partition, until));
  out.events = rows_.size();
  fold_clicks();
  fold_totals(out);
  fold_series();
  fold_types();
  fold_sites();
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
  }
  scan_.reset();
  std::sort(rows_.begin(), rows_.end(), [](const folded_row& a, const folded_row& b) {
    return pair_of(a.page_no, a.user_no) < pair_of(b.page_no, b.user_no);
  });
}

/// Rows stand in (page, user) order; leaves one delta for each page in pages_.
void store_writer::fold_clicks() {
  pages_.clear();
  for (size_t i = 0; i < rows_.size();) {
    const auto& first = rows_[i];
    assert(first.page_no > 0);
    auto& page = pages_.emplace_back(page_delta{first.page_no, first.site_no, 0, 0, first.at_us});
    users_.clear();
    for (; i < rows_.size() && rows_[i].page_no == page.page_no; ++i) {
      const auto& row = rows_[i];
      assert(row.user_no > 0);
      if (users_.empty() || users_.back().user_no != row.user_no)
        users_.push_back({row.user_no, 0});
      ++users_.back().clicks;
      ++page.clicks;
      page.last_at_us = std::max(page.last_at_us, row.at_us);
    }
    page.users = pairs_.add(page.page_no, users_);
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
        .bind(4, static_cast<int64_t>(x.users))
        .bind(5, x.last_at_us)
        .run();
    if (pages_.size() <= fold_records_max)
      out.pages.push_back({x.page_no, on_.last_rowid() != 0 ? x.clicks : total_of(x.page_no)});
  }
}

void store_writer::fold_series() {
  auto key = [](const folded_row& x) { return std::tie(x.page_no, x.minute, x.type_no); };
  std::sort(rows_.begin(), rows_.end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
  for (size_t i = 0; i < rows_.size();) {
    const auto& row = rows_[i];
    int64_t clicks = 0;
    for (; i < rows_.size() && key(rows_[i]) == key(row); ++i)
      ++clicks;
    add_series_.bind(1, row.page_no).bind(2, row.minute).bind(3, row.type_no).bind(4, clicks).run();
  }
}

void store_writer::fold_types() {
  auto key = [](const folded_row& x) { return std::tie(x.page_no, x.type_no); };
  std::sort(rows_.begin(), rows_.end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
  for (size_t i = 0; i < rows_.size();) {
    const auto& row = rows_[i];
    int64_t clicks = 0;
    for (; i < rows_.size() && key(rows_[i]) == key(row); ++i)
      ++clicks;
    add_types_.bind(1, row.page_no).bind(2, row.type_no).bind(3, clicks).run();
  }
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
