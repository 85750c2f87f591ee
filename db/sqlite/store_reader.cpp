#include "db/sqlite/store_reader.hpp"

#include <algorithm>
#include <map>

#include "db/sqlite/minute_range.hpp"
#include "db/sqlite/position_key.hpp"

namespace footfall::sqlite {

namespace {

int32_t number(const statement& x, int column) noexcept {
  return static_cast<int32_t>(x.integer(column));
}

uint64_t count(const statement& x, int column) noexcept {
  return static_cast<uint64_t>(x.integer(column));
}

/// Runs `use` for each row; the statement is reset however that ends.
template <class Use>
void each_row(statement& rows, Use use) {
  reset_at_end end{rows};
  while (rows.step())
    use();
}

} // namespace

store_reader::store_reader(connection& on, const std::string& log, const late_counts& late)
    : on_(on), log_(log), numbers_(on, false), tail_(on, late), pairs_(on), begin_(on, "BEGIN"),
      progress_(on, "SELECT p.part, p.epoch, p.next_offset, f.folded_offset"
                    " FROM partition_progress p JOIN fold_progress f USING (topic, part)"
                    " WHERE p.topic = (SELECT topic FROM core_topics WHERE log = ?"
                    " ORDER BY generation DESC LIMIT 1) ORDER BY p.part"),
      topic_no_(on, "SELECT topic_no FROM core_topics WHERE log = ?"
                    " ORDER BY generation DESC LIMIT 1"),
      totals_(on, "SELECT clicks, users, last_at_us FROM core_page_totals WHERE page_no = ?"),
      types_(on, "SELECT type_no, clicks FROM core_page_types WHERE page_no = ?"
                 " ORDER BY type_no LIMIT ?"),
      page_minutes_(on, "SELECT minute, sum(clicks) FROM core_page_series WHERE page_no = ?"
                        " AND minute >= ? GROUP BY minute ORDER BY minute LIMIT ?"),
      site_pages_(on, "SELECT page_no, clicks FROM core_page_totals WHERE site_no = ?"
                      " AND clicks > 1 ORDER BY clicks DESC"),
      tied_pages_(on, "SELECT p.page_no FROM core_pages p CROSS JOIN core_page_totals t"
                      " ON t.page_no = p.page_no AND t.clicks = ?2 WHERE p.site_no = ?1"
                      " ORDER BY p.page_url"),
      users_by_name_(on, "SELECT user_no FROM core_users WHERE site_no = ? ORDER BY user_id"),
      site_range_(on, "SELECT p.page_no, (SELECT sum(s.clicks) FROM core_page_series s"
                      " WHERE s.page_no = p.page_no AND s.minute >= ?2 AND s.minute < ?3)"
                      " FROM core_pages p WHERE p.site_no = ?1"),
      page_series_(on, "SELECT minute, sum(clicks) FROM core_page_series WHERE page_no = ?"
                       " AND minute >= ? AND minute < ? GROUP BY minute"),
      site_series_(on, "SELECT minute, clicks FROM core_site_series WHERE site_no = ?"
                       " AND minute >= ? AND minute < ?"),
      page_name_(on, "SELECT page_url FROM core_pages WHERE page_no = ?"),
      user_name_(on, "SELECT user_id FROM core_users WHERE user_no = ?"),
      type_name_(on, "SELECT event_type FROM core_types WHERE type_no = ?"),
      bad_(on, "SELECT position, time_us, reason, raw, redriven FROM core_bad_events"
               " WHERE position > ? AND position < ? AND (redriven IS NULL OR NOT ?)"
               " ORDER BY position LIMIT ?") {}

void store_reader::begin() {
  on_.roll_back();
  tail_.look();
  begin_.run();
  try {
    reached_.clear();
    for (const auto& x : progress())
      if (x.next_offset > 0)
        reached_.push_back({x.partition, x.next_offset - 1});
    tail_.refresh();
  } catch (...) { // Whatever it was goes on to the caller; a tail half read must not stay.
    tail_.forget();
    throw;
  }
}

void store_reader::end() noexcept {
  tail_.let_go();
  on_.roll_back();
}

std::vector<partition_state> store_reader::progress() {
  std::vector<partition_state> out;
  progress_.bind_text(1, log_);
  each_row(progress_, [&] {
    out.push_back({static_cast<uint32_t>(progress_.integer(0)), progress_.integer(1),
                   progress_.integer(2), progress_.integer(3)});
  });
  return out;
}

int32_t store_reader::page_number(const page_key& key) {
  const auto site_no = numbers_.sites.find(0, key.site_id);
  return site_no == 0 ? 0 : numbers_.pages.find(site_no, key.page_url);
}

store_reader::totals store_reader::totals_of(int32_t page_no) {
  totals out;
  totals_.bind(1, page_no);
  if (totals_.step())
    out = {count(totals_, 0), count(totals_, 1), totals_.integer(2)};
  totals_.reset();
  return out;
}

/// Users of the tail that the blocks of the page do not have.
uint64_t store_reader::new_users_of(int32_t page_no) {
  std::vector<int32_t> users;
  tail_.each_late_user_of(page_no, [&](int32_t user_no, uint64_t) { users.push_back(user_no); });
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());
  return pairs_.count_new(page_no, users);
}

std::vector<pair_count> store_reader::counts(const std::vector<pair_key>& keys) {
  std::vector<pair_count> out;
  out.reserve(keys.size());
  for (const auto& key : keys) {
    auto& x = out.emplace_back();
    const auto site_no = numbers_.sites.find(0, key.site_id);
    if (site_no == 0)
      continue;
    x.page_no = numbers_.pages.find(site_no, key.page_url);
    x.user_no = numbers_.users.find(site_no, key.user_id);
    if (x.page_no == 0)
      continue;
    x.version = totals_of(x.page_no).clicks;
    if (x.user_no != 0)
      x.clicks =
          pairs_.clicks_of(x.page_no, x.user_no) + tail_.late_clicks_of(x.page_no, x.user_no);
    tail_.each_of_page(x.page_no, [&](const auto&) { ++x.version; });
  }
  return out;
}

std::vector<page_load> store_reader::load(const std::vector<page_key>& keys, int32_t first_minute,
                                          uint32_t users_max) {
  std::vector<page_load> out;
  for (const auto& key : keys)
    out.push_back(load_one(key, first_minute, users_max));
  return out;
}

page_load store_reader::load_one(const page_key& key, int32_t first_minute, uint32_t users_max) {
  page_load out;
  out.page_no = page_number(key);
  if (out.page_no == 0)
    return out;
  const auto folded = totals_of(out.page_no);
  out.clicks = folded.clicks;
  out.users = folded.users + new_users_of(out.page_no);
  out.last_at_us = folded.last_at_us;
  std::map<int32_t, uint64_t> types;
  std::map<int32_t, uint32_t> minutes;
  // The lowest numbers of both: what the aggregates leave out has enough below it.
  types_.bind(1, out.page_no).bind(2, int64_t{limits::named_types});
  each_row(types_, [&] { types[number(types_, 0)] = count(types_, 1); });
  page_minutes_.bind(1, out.page_no).bind(2, first_minute).bind(3, int64_t{page_load::minutes_max});
  each_row(page_minutes_, [&] {
    minutes[number(page_minutes_, 0)] = static_cast<uint32_t>(count(page_minutes_, 1));
  });
  tail_.each_of_page(out.page_no, [&](const auto& x) {
    out.last_at_us = out.clicks++ == 0 ? x.at_us : std::max(out.last_at_us, x.at_us);
  });
  tail_.each_late_minute_of(out.page_no, [&](int32_t minute, int32_t type_no, uint64_t clicks) {
    types[type_no] += clicks;
    if (minute >= first_minute)
      minutes[minute] += static_cast<uint32_t>(clicks);
  });
  out.keep_first(types, minutes);
  out.users_complete = out.users <= users_max;
  if (out.users_complete)
    load_users(out);
  return out;
}

void store_reader::load_users(page_load& to) {
  std::map<int32_t, uint32_t> users;
  pairs_.each_of_page(to.page_no, [&](const user_clicks& x) {
    users.emplace_hint(users.end(), x.user_no, static_cast<uint32_t>(x.clicks));
  });
  tail_.each_late_user_of(to.page_no, [&](int32_t user_no, uint64_t clicks) {
    users[user_no] += static_cast<uint32_t>(clicks);
  });
  to.user_clicks.assign(users.begin(), users.end());
}

std::vector<series_point> store_reader::minutes(const page_key& key, int64_t from_us,
                                                int64_t to_us) {
  const auto site_no = numbers_.sites.find(0, key.site_id);
  const bool whole_site = key.page_url.empty();
  const auto page_no = whole_site || site_no == 0 ? 0 : numbers_.pages.find(site_no, key.page_url);
  if (site_no == 0 || (!whole_site && page_no == 0))
    return {};
  const int64_t first = minute_from(from_us, no_first_minute);
  const int64_t end = minute_from(to_us, no_end_minute);
  std::map<int64_t, uint64_t> counts;
  auto& rows = whole_site ? site_series_ : page_series_;
  rows.bind(1, whole_site ? site_no : page_no).bind(2, first).bind(3, end);
  each_row(rows, [&] { counts[rows.integer(0)] = count(rows, 1); });
  if (whole_site)
    tail_.each([&](int32_t, const auto& x) {
      if (const int64_t minute = x.at_us / minute_us;
          x.site_no == site_no && minute >= first && minute < end)
        ++counts[minute];
    });
  else
    tail_.each_late_minute_of(page_no, [&](int32_t minute, int32_t, uint64_t clicks) {
      if (minute >= first && minute < end)
        counts[minute] += clicks;
    });
  std::vector<series_point> out;
  for (const auto& [minute, clicks] : counts)
    out.push_back({minute * minute_us, clicks});
  return out;
}

namespace {

std::vector<std::string> names(statement& name, const std::vector<int32_t>& of) {
  std::vector<std::string> out;
  out.reserve(of.size());
  for (auto no : of) {
    name.bind(1, no);
    out.emplace_back(name.step() ? name.text(0) : std::string_view{});
    name.reset();
  }
  return out;
}

} // namespace

std::vector<std::string> store_reader::user_names(const std::vector<int32_t>& of) {
  return names(user_name_, of);
}

std::vector<std::string> store_reader::type_names(const std::vector<int32_t>& of) {
  return names(type_name_, of);
}

bad_event_page store_reader::bad_events(const bad_events_ask& ask) {
  bad_event_page out;
  if (ask.after.partition >= partitions_max)
    return out;
  auto at = [](const statement& x, int column) {
    return position{partition_of_key(x.integer(column)), offset_of_key(x.integer(column))};
  };
  size_t bytes = 0;
  uint32_t topic_no = 0;
  topic_no_.bind_text(1, log_);
  each_row(topic_no_, [&] { topic_no = static_cast<uint32_t>(topic_no_.integer(0)); });
  bad_.bind(1,
            position_key(topic_no, ask.after.partition, 0) + std::min(ask.after.offset, offset_max))
      .bind(2, position_key(topic_no, partitions_max - 1, offset_max))
      .bind(3, ask.open_only ? 1 : 0)
      .bind(4, int64_t{ask.limit} + 1);
  each_row(bad_, [&] {
    out.more = out.more || out.rows.size() >= ask.limit || bytes >= bad_event_page_bytes;
    if (out.more)
      return;
    out.rows.push_back(
        {at(bad_, 0), bad_.integer(1), std::string{bad_.text(2)}, std::string{bad_.blob(3)}, {}});
    if (!bad_.is_null(4))
      out.rows.back().redriven = at(bad_, 4);
    bytes += out.rows.back().raw.size();
  });
  return out;
}

} // namespace footfall::sqlite
