#include "db/sqlite/store_audit.hpp"

#include "db/sqlite/minute_range.hpp"
#include "db/sqlite/pair_blocks.hpp"

#include <algorithm>

namespace footfall::sqlite {

namespace {

constexpr int64_t rows_of_snapshot = 20'000;
constexpr int64_t low32 = 0xffffffff;

int64_t pair_of(int64_t high, int64_t low) noexcept {
  return high << 32 | low;
}

} // namespace

store_audit::store_audit(connection& on, uint64_t rows_of_pass)
    : on_(on), rows_of_pass_(rows_of_pass),
      rows_(on, "SELECT position, page_no, user_no, site_no, type_no, at_us, event_key"
                " FROM core_events WHERE position >= ? AND position < ? LIMIT ?") {}

std::vector<store_audit::slice> store_audit::folded() {
  std::vector<slice> out;
  statement rows{on_, "SELECT (t.topic_no << 10 | f.part) << 48, f.folded_offset,"
                      " coalesce(m.merged, 0), coalesce(m.until, 0), m.next_pair, m.next_page,"
                      " m.next_minute, m.next_type"
                      " FROM core_topics t JOIN fold_progress f USING (topic)"
                      " LEFT JOIN core_merge_progress m ON m.slice = t.topic_no << 10 | f.part"};
  auto number = [&](int column) { return static_cast<int32_t>(rows.integer(column)); };
  while (rows.step()) {
    const auto base = rows.integer(0);
    out.push_back({base,
                   base + rows.integer(1),
                   base + rows.integer(2),
                   base + rows.integer(3),
                   rows.integer(4),
                   {number(5), number(6), number(7)}});
  }
  return out;
}

std::vector<audit_difference> store_audit::run(size_t most, const std::atomic<bool>& stopping) {
  most_ = most;
  differences_.clear();
  // Not the offsets: many may have no record.
  const auto rows = static_cast<uint64_t>(on_.value("SELECT count(*) FROM core_events"));
  passes_ = 1 + rows / rows_of_pass_;
  for (pass_ = 0; pass_ < passes_ && !stopping && differences_.size() < most_; ++pass_)
    run_pass(stopping);
  return std::move(differences_);
}

page_recount store_audit::run_page(const page_key& key, size_t most,
                                   const std::atomic<bool>& stopping) {
  statement number{on_, "SELECT p.page_no FROM core_pages p JOIN core_sites s USING (site_no)"
                        " WHERE s.site_id = ? AND p.page_url = ?"};
  number.bind_text(1, key.site_id).bind_text(2, key.page_url);
  if (!number.step())
    return {};
  only_ = number.integer(0);
  number.reset();
  most_ = most;
  differences_.clear();
  passes_ = 1;
  pass_ = 0;
  run_pass(stopping);
  return {rows_of_it_, std::move(differences_)};
}

void store_audit::run_pass(const std::atomic<bool>& stopping) {
  clicks_.clear();
  pages_.clear();
  types_.clear();
  series_.clear();
  sites_.clear();
  ids_.clear();
  const auto before = folded();
  for (const auto& x : before) {
    scan({x.base, x.merged, true, true}, false, stopping);
    scan({x.merged, x.folded, true}, false, stopping);
  }
  on_.run("BEGIN");
  for (const auto& x : folded()) {
    const auto old = std::find_if(before.begin(), before.end(),
                                  [&](const slice& y) { return y.base == x.base; });
    const bool is_new = old == before.end();
    scan({is_new ? x.base : old->folded, x.folded, true}, true, stopping);
    scan({is_new ? x.base : old->merged, x.merged, false, true}, true, stopping);
    scan({x.merged, x.until, false, true, &x}, true, stopping);
  }
  if (const auto it = pages_.find(only_); it != pages_.end())
    rows_of_it_ = it->second.clicks;
  if (!stopping) {
    compare_clicks();
    compare_totals();
    compare_types();
    compare_series();
    if (pass_ == 0 && only_ == 0) {
      compare_sites();
      compare_ids();
    }
  }
  on_.run("COMMIT");
}

void store_audit::scan(stretch x, bool in_snapshot, const std::atomic<bool>& stopping) {
  while (x.from < x.until && !stopping)
    x.from = scan_some(x, in_snapshot ? x.until - x.from : rows_of_snapshot);
}

/// @returns where the next scan begins.
int64_t store_audit::scan_some(const stretch& x, int64_t rows) {
  int64_t seen = 0;
  int64_t last = x.from;
  rows_.bind(1, x.from).bind(2, x.until).bind(3, rows);
  while (rows_.step()) {
    ++seen;
    last = rows_.integer(0);
    if (x.of_folds)
      take_folded();
    if (x.of_merges && is_mine(rows_.integer(1)))
      take_merged(x.half);
  }
  rows_.reset();
  return seen < rows ? x.until : last + 1;
}

void store_audit::take_folded() {
  const int64_t page_no = rows_.integer(1);
  const int64_t site_no = rows_.integer(3);
  const int64_t at_us = rows_.integer(5);
  const auto key = rows_.blob(6);
  if (pass_ == 0 && only_ == 0)
    ++sites_[pair_of(site_no, at_us / minute_us)];
  if (only_ == 0 && !key.empty()
      && static_cast<uint64_t>(static_cast<unsigned char>(key.back())) % passes_ == pass_) {
    auto id = std::string{key} + std::to_string(site_no);
    if (!ids_.insert(id).second)
      report("click_events", "position " + std::to_string(rows_.integer(0)), 1, 2);
  }
  if (!is_mine(page_no))
    return;
  auto& page = pages_[page_no];
  page.last_at_us = page.clicks == 0 ? at_us : std::max(page.last_at_us, at_us);
  page.site_no = site_no;
  ++page.clicks;
}

void store_audit::take_merged(const slice* half) {
  auto number = [&](int column) { return static_cast<int32_t>(rows_.integer(column)); };
  const minute_key minute{number(1), static_cast<int32_t>(rows_.integer(5) / minute_us), number(4)};
  const auto pair = pair_of(minute.page_no, number(2));
  if (!half || pair < half->next_pair)
    pages_[minute.page_no].users += clicks_[pair]++ == 0 ? 1 : 0;
  if (half && !(minute < half->next_minute))
    return;
  ++types_[pair_of(minute.page_no, minute.type_no)];
  ++series_[minute];
}

void store_audit::report(const char* table, std::string key, uint64_t expected, uint64_t found) {
  if (differences_.size() < most_)
    differences_.push_back({table, std::move(key), expected, found});
}

std::string store_audit::text(const char* sql, int64_t number) {
  statement name{on_, sql};
  name.bind(1, number);
  return name.step() ? std::string{name.text(0)} : "number " + std::to_string(number);
}

std::string store_audit::page_name(int64_t page_no) {
  return text("SELECT s.site_id || ' ' || p.page_url FROM core_pages p JOIN core_sites s"
              " USING (site_no) WHERE p.page_no = ?",
              page_no);
}

template <class Key, class Name>
void store_audit::compare_one(absl::flat_hash_map<Key, uint64_t>& counted, const Key& key,
                              uint64_t found, const char* table, Name name) {
  auto at = counted.find(key);
  const uint64_t expected = at == counted.end() ? 0 : at->second;
  if (expected != found)
    report(table, name(key), expected, found);
  if (at != counted.end())
    counted.erase(at);
}

template <class Key, class Name>
void store_audit::report_rest(const absl::flat_hash_map<Key, uint64_t>& counted, const char* table,
                              Name name) {
  for (const auto& [key, expected] : counted)
    if (differences_.size() < most_)
      report(table, name(key), expected, 0);
}

void store_audit::compare_clicks() {
  auto name = [this](int64_t pair) {
    return page_name(pair >> 32) + " "
           + text("SELECT user_id FROM core_users WHERE user_no = ?", pair & low32);
  };
  statement blocks{on_, "SELECT first, data FROM core_pair_blocks WHERE first BETWEEN ? AND ?"};
  blocks.bind(1, pair_of(first_page(), 0)).bind(2, pair_of(last_page(), low32));
  std::vector<user_clicks> users;
  int64_t last = -1; // Pair of the block before.
  while (blocks.step()) {
    const auto first = blocks.integer(0);
    const auto page_no = first >> 32;
    if (!is_mine(page_no))
      continue;
    users.clear();
    try {
      read_pairs(blocks.blob(1), static_cast<int32_t>(first & low32), users);
    } catch (const failure& error) {
      report("page_clicks", page_name(page_no) + ", " + error.what(), 0, 1);
      continue;
    }
    if (last >= first) // Nobody would find those that are in the wrong block.
      report("page_clicks", page_name(page_no) + ": blocks overlap", 0, 1);
    for (const auto& x : users)
      compare_one(clicks_, pair_of(page_no, x.user_no), x.clicks, "page_clicks", name);
    last = pair_of(page_no, users.back().user_no);
  }
  report_rest(clicks_, "page_clicks", name);
}

void store_audit::compare_totals() {
  statement rows{on_, "SELECT page_no, clicks, users, last_at_us, site_no FROM core_page_totals"
                      " WHERE page_no BETWEEN ? AND ?"};
  rows.bind(1, first_page()).bind(2, last_page());
  while (rows.step()) {
    const int64_t page_no = rows.integer(0);
    if (!is_mine(page_no))
      continue;
    page expected;
    if (auto at = pages_.find(page_no); at != pages_.end()) {
      expected = at->second;
      pages_.erase(at);
    }
    auto check = [&](const char* what, uint64_t wanted, int64_t found) {
      if (wanted != static_cast<uint64_t>(found))
        report("page_totals", page_name(page_no) + " " + what, wanted,
               static_cast<uint64_t>(found));
    };
    check("clicks", expected.clicks, rows.integer(1));
    check("users", expected.users, rows.integer(2));
    check("last_at", static_cast<uint64_t>(expected.last_at_us), rows.integer(3));
    check("site", static_cast<uint64_t>(expected.site_no), rows.integer(4));
  }
  for (const auto& [page_no, x] : pages_)
    if (differences_.size() < most_)
      report("page_totals", page_name(page_no) + " clicks", x.clicks, 0);
}

void store_audit::compare_types() {
  auto name = [this](int64_t key) {
    return page_name(key >> 32) + " "
           + text("SELECT event_type FROM core_types WHERE type_no = ?", key & low32);
  };
  statement rows{on_, "SELECT page_no, type_no, clicks FROM core_page_types"
                      " WHERE page_no BETWEEN ? AND ?"};
  rows.bind(1, first_page()).bind(2, last_page());
  while (rows.step())
    if (is_mine(rows.integer(0)))
      compare_one(types_, pair_of(rows.integer(0), rows.integer(1)),
                  static_cast<uint64_t>(rows.integer(2)), "page_types", name);
  report_rest(types_, "page_types", name);
}

void store_audit::compare_series() {
  auto name = [this](const minute_key& x) {
    return page_name(x.page_no) + " minute " + std::to_string(x.minute) + " "
           + text("SELECT event_type FROM core_types WHERE type_no = ?", x.type_no);
  };
  statement rows{on_, "SELECT page_no, minute, type_no, clicks FROM core_page_series"
                      " WHERE page_no BETWEEN ? AND ?"};
  rows.bind(1, first_page()).bind(2, last_page());
  while (rows.step())
    if (is_mine(rows.integer(0)))
      compare_one(series_,
                  minute_key{static_cast<int32_t>(rows.integer(0)),
                             static_cast<int32_t>(rows.integer(1)),
                             static_cast<int32_t>(rows.integer(2))},
                  static_cast<uint64_t>(rows.integer(3)), "page_series", name);
  report_rest(series_, "page_series", name);
}

void store_audit::compare_sites() {
  auto name = [this](int64_t key) {
    return text("SELECT site_id FROM core_sites WHERE site_no = ?", key >> 32) + " minute "
           + std::to_string(key & low32);
  };
  statement rows{on_, "SELECT site_no, minute, clicks FROM core_site_series"};
  while (rows.step())
    compare_one(sites_, pair_of(rows.integer(0), rows.integer(1)),
                static_cast<uint64_t>(rows.integer(2)), "site_series", name);
  report_rest(sites_, "site_series", name);
}

/// Rows whose ids are no longer in memory have an entry in a run.
void store_audit::compare_ids() {
  int64_t rows = 0;
  statement count{on_, "SELECT count(*) FROM core_events WHERE position >= ?1 AND position < ?2"};
  for (statement slices{on_, "SELECT slice << 48, complete FROM core_id_progress"};
       slices.step();) {
    count.bind(1, slices.integer(0)).bind(2, slices.integer(0) + slices.integer(1));
    rows += count.step() ? count.integer(0) : 0;
    count.reset();
  }
  const int64_t entries =
      on_.value("SELECT coalesce(sum(entries), 0) FROM core_runs WHERE of = 'ids'");
  if (entries != rows)
    report("core_runs", "entries", static_cast<uint64_t>(rows), static_cast<uint64_t>(entries));
}

} // namespace footfall::sqlite
