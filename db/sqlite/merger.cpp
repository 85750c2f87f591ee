#include "db/sqlite/merger.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include <sqlite3.h>

#include "db/sqlite/minute_range.hpp"
#include "db/sqlite/position_key.hpp"

namespace footfall::sqlite {

namespace {

constexpr int64_t low32 = 0xffffffff;
constexpr uint64_t rows_of_pairs = 32;    ///< A merge is due with one row for so many pairs,
constexpr uint64_t rows_most = 1'000'000; ///< or with so many rows.
constexpr size_t step_most = 50'000;      ///< Of each kind of a step, unless step_min is more.

int64_t slice_of(int64_t position) noexcept {
  return position >> 48;
}

} // namespace

merger::merger(connection& on, late_counts& late, config how)
    : on_(on), late_(late), how_(how), pairs_(on),
      rows_of_(on, "SELECT page_no, user_no, site_no, type_no, at_us FROM core_events"
                   " WHERE position >= ? AND position < ?"),
      add_users_(on, "UPDATE core_page_totals SET users = users + ?2 WHERE page_no = ?1"),
      add_minutes_(on, "INSERT INTO core_page_series VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
                       " SET clicks = clicks + excluded.clicks"),
      add_types_(on, "INSERT INTO core_page_types VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
                     " SET clicks = clicks + excluded.clicks"),
      put_(on, "INSERT OR REPLACE INTO core_merge_progress VALUES (?, ?, ?, ?, ?, ?, ?)") {}

void merger::open(const std::function<void(const std::string&)>& report) {
  on_.run("BEGIN IMMEDIATE");
  pairs_.take_over(report);
  on_.run("COMMIT");
  pairs_in_blocks_ =
      static_cast<uint64_t>(on_.value("SELECT coalesce(sum(users), 0) FROM core_page_totals"));
  statement slices{on_, "SELECT t.topic_no << 10 | f.part, f.folded_offset, coalesce(m.merged, 0),"
                        " coalesce(m.until, 0), m.next_pair, m.next_page, m.next_minute,"
                        " m.next_type FROM core_topics t JOIN fold_progress f USING (topic)"
                        " LEFT JOIN core_merge_progress m ON m.slice = t.topic_no << 10 | f.part"};
  auto number = [&](int column) { return static_cast<int32_t>(slices.integer(column)); };
  while (slices.step()) {
    const auto base = slices.integer(0) << 48;
    auto from = base + slices.integer(2);
    if (const auto until = base + slices.integer(3); from < until) { // That merge goes on.
      auto some = read(from, until);
      from = until;
      if (some.rows > 0) {
        wait_for(std::move(some));
        auto& x = slices_.at(slices.integer(0));
        x.first = late_.join_all(slices.integer(0));
        x.at = {x.first->place_of(slices.integer(4)),
                x.first->place_of(minute_key{number(5), number(6), number(7)})};
      }
    }
    wait_for(read(from, base + slices.integer(1)));
  }
  came_ = 0;
}

late_span merger::read(int64_t from, int64_t until) {
  std::vector<int64_t> pairs;
  std::vector<std::pair<minute_key, int32_t>> minutes; // With the site.
  const reset_at_end end{rows_of_};
  auto number = [&](int column) { return static_cast<int32_t>(rows_of_.integer(column)); };
  rows_of_.bind(1, from).bind(2, until);
  while (rows_of_.step()) {
    pairs.push_back(pair_key_of(number(0), number(1)));
    const auto minute = static_cast<int32_t>(rows_of_.integer(4) / minute_us);
    minutes.push_back({{number(0), minute, number(3)}, number(2)});
  }
  std::sort(pairs.begin(), pairs.end());
  std::sort(minutes.begin(), minutes.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  late_span out{from, until, pairs.size(), {}, {}, {}};
  for (const auto x : pairs)
    out.add(x);
  for (const auto& [key, site_no] : minutes)
    out.add(key, site_no);
  return out;
}

void merger::wait_for(late_span x) {
  if (x.rows == 0)
    return;
  auto& of = slices_[slice_of(x.from)];
  of.rows += x.rows;
  rows_ += x.rows;
  came_ += x.rows;
  late_.add(std::move(x), of.first);
}

void merger::add(late_span x) {
  const auto at = slices_.find(slice_of(x.from));
  if (at != slices_.end() && !at->second.trouble.empty()) {
    uint64_t stuck = 0;
    for (const auto& [number, other] : slices_)
      stuck += other.trouble.empty() ? 0 : other.rows;
    if (stuck > rows_due() + how_.rows_over)
      throw failure(SQLITE_BUSY, "too much waits for a merge: " + at->second.trouble);
  }
  change_.made.push_back(std::move(x));
}

uint64_t merger::rows_due() const {
  return std::max<uint64_t>(how_.rows_min, std::min(rows_most, pairs_in_blocks_ / rows_of_pairs));
}

merger::candidate merger::next() const {
  const auto now = steady::now();
  candidate out;
  uint64_t most = 0;
  for (const auto& [number, x] : slices_) {
    const bool has_trouble = !x.trouble.empty();
    if (has_trouble && now < x.try_at)
      continue;
    out.rows += x.rows;
    // What failed is tried before all else, so that it is not called in trouble for longer.
    const bool is_before = has_trouble != out.has_trouble ? has_trouble : x.rows > most;
    if (is_before) {
      most = x.rows;
      out.number = number;
      out.has_trouble = has_trouble;
    }
  }
  return out;
}

size_t merger::due(bool is_idle) const {
  if (now_ != none) {
    const auto counts = static_cast<size_t>(2 * came_);
    const bool is_enough = is_idle || counts >= how_.step_min;
    return is_enough ? std::max(std::min(counts, step_most), how_.step_min) : 0;
  }
  if (rows_ == 0 || (!is_idle && rows_ < rows_due() && trouble().empty()))
    return 0;
  const auto x = next();
  const bool is_due = is_idle || x.has_trouble || x.rows >= rows_due();
  return x.number != none && is_due ? how_.step_min : 0;
}

void merger::step(size_t counts_max) {
  if (now_ == none) {
    now_ = next().number;
    assert(now_ != none);
    came_ = 0;
  }
  auto& x = slices_.at(now_);
  if (!x.first) {
    x.first = late_.join_all(now_);
    x.at = {};
  }
  const auto& all = *x.first;
  const places until{std::min(all.pairs.size(), x.at.pairs + counts_max),
                     std::min(all.minutes.size(), x.at.minutes + counts_max)};
  merge_pairs(all, x.at.pairs, until.pairs);
  merge_minutes(all, x.at.minutes, until.minutes);
  put_progress(all, until);
  change_.at = until;
  change_.is_step = true;
}

void merger::merge_pairs(const late_span& all, size_t i, size_t until) {
  while (i < until) {
    const auto page_no = static_cast<int32_t>(all.pairs[i] >> 32);
    users_.clear();
    for (; i < until && all.pairs[i] < end_of_page(page_no); ++i)
      users_.push_back({static_cast<int32_t>(all.pairs[i] & low32), all.clicks[i]});
    const auto added = pairs_.add(page_no, users_);
    change_.added += added;
    add_users_.bind(1, page_no).bind(2, static_cast<int64_t>(added)).run();
    if (on_.changes() != 1)
      throw failure(SQLITE_CORRUPT, "core_page_totals has no row for page "
                                        + std::to_string(page_no) + ", which has folded events");
  }
}

void merger::merge_minutes(const late_span& all, size_t from, size_t until) {
  types_.clear();
  for (auto i = from; i < until; ++i) {
    const auto& [key, site_no, clicks] = all.minutes[i];
    add_minutes_.bind(1, key.page_no)
        .bind(2, key.minute)
        .bind(3, key.type_no)
        .bind(4, clicks)
        .run();
    types_.emplace_back(pair_key_of(key.page_no, key.type_no), clicks);
  }
  std::sort(types_.begin(), types_.end());
  for (size_t i = 0; i < types_.size();) {
    const auto type = types_[i].first;
    int64_t clicks = 0;
    for (; i < types_.size() && types_[i].first == type; ++i)
      clicks += static_cast<int64_t>(types_[i].second);
    add_types_.bind(1, type >> 32).bind(2, type & low32).bind(3, clicks).run();
  }
}

void merger::put_progress(const late_span& all, const places& x) {
  const bool is_last = is_whole(all, x);
  // Past the end of one of the two: higher than any.
  const auto pair = x.pairs == all.pairs.size() ? all.pairs.back() + 1 : all.pairs[x.pairs];
  auto minute = all.minutes.back().key;
  ++minute.type_no;
  if (x.minutes < all.minutes.size())
    minute = all.minutes[x.minutes].key;
  put_.bind(1, slice_of(all.from))
      .bind(2, offset_of_key(is_last ? all.until : all.from))
      .bind(3, offset_of_key(all.until))
      .bind(4, is_last ? 0 : pair)
      .bind(5, is_last ? 0 : minute.page_no)
      .bind(6, is_last ? 0 : minute.minute)
      .bind(7, is_last ? 0 : minute.type_no)
      .run();
}

void merger::failed(std::string why) {
  if (now_ == none)
    return;
  auto& x = slices_.at(now_);
  x.trouble = std::move(why);
  x.try_at = steady::now() + how_.pause;
  now_ = none;
  came_ = 0;
}

std::string merger::trouble() const {
  for (const auto& [number, x] : slices_)
    if (!x.trouble.empty())
      return x.trouble;
  return {};
}

void merger::committed() {
  if (change_.is_step) {
    auto& x = slices_.at(now_);
    x.trouble.clear();
    x.at = change_.at;
    came_ = 0;
    pairs_in_blocks_ += change_.added;
    if (is_whole(*x.first, x.at)) {
      x.rows -= x.first->rows;
      rows_ -= x.first->rows;
      x.first = nullptr;
      late_.drop_first(now_);
      if (x.rows == 0)
        slices_.erase(now_);
      now_ = none;
    }
  }
  for (auto& x : change_.made)
    wait_for(std::move(x));
  change_ = {};
}

void merger::rolled_back() {
  change_ = {};
}

} // namespace footfall::sqlite
