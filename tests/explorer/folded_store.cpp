#include "tests/explorer/folded_store.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "proto/seeded_bug.hpp"

namespace footfall::explorer {

namespace {

constexpr int64_t minute_us = 60'000'000;

/// What the memory store answers before its call returns.
template <class T, class Call>
caf::expected<T> answer_of(Call call) {
  std::optional<caf::expected<T>> out;
  call([&out](caf::expected<T> x) { out.emplace(std::move(x)); });
  return std::move(*out);
}

bool in_range(int64_t minute, int64_t from_us, int64_t to_us) {
  const int64_t at_us = minute * minute_us;
  return (from_us == unset_time || at_us >= from_us) && (to_us == unset_time || at_us < to_us);
}

void order(std::vector<named_count>& rows) {
  std::sort(rows.begin(), rows.end(), [](const named_count& a, const named_count& b) {
    return a.clicks != b.clicks ? a.clicks > b.clicks : a.name < b.name;
  });
}

template <class Map>
uint64_t at(const Map& map, const typename Map::key_type& key) {
  const auto found = map.find(key);
  return found == map.end() ? 0 : found->second;
}

template <class Map, class Show>
void differ(const Map& expected, const Map& found, const char* table, Show show,
            std::vector<audit_difference>& out) {
  for (const auto& [key, clicks] : expected)
    if (at(found, key) != clicks)
      out.push_back({table, show(key), clicks, at(found, key)});
  for (const auto& [key, clicks] : found)
    if (expected.count(key) == 0 && clicks != 0)
      out.push_back({table, show(key), 0, clicks});
}

} // namespace

void folded_store::aggregates::add(const row& x, int64_t at_us) {
  ++totals[x.page_no];
  ++pairs[{x.page_no, x.user_no}];
  ++types[{x.page_no, x.type_no}];
  ++minutes[{x.page_no, at_us / minute_us}];
}

folded_store::aggregates folded_store::with_tail() const {
  auto out = now_.counts;
  for (const auto& [where, x] : now_.rows) {
    const auto folded = now_.folded.find(where.first);
    if (folded == now_.folded.end() || where.second >= folded->second)
      out.add(x, x.event.at_us);
  }
  return out;
}

void folded_store::keep() {
  inner_.keep();
  kept_ = now_;
}

void folded_store::go_back() {
  now_ = kept_;
  inner_.go_back();
}

std::vector<partition_state> folded_store::states() {
  return *answer_of<std::vector<partition_state>>([&](auto done) { inner_.progress(done); });
}

std::vector<bad_event> folded_store::all_bad() {
  bad_events_ask ask;
  ask.limit = 100'000;
  return answer_of<bad_event_page>([&](auto done) { inner_.bad_events(ask, done); })->rows;
}

void folded_store::claim(uint32_t partition, done<partition_claim> reply) {
  inner_.claim(partition, std::move(reply));
}

void folded_store::claim(lease_claim by, done<partition_claim> reply) {
  inner_.claim(std::move(by), std::move(reply));
}

void folded_store::adopt(uint32_t partition, int64_t epoch, std::string log_id, done<bool> reply) {
  inner_.adopt(partition, epoch, std::move(log_id), std::move(reply));
}

void folded_store::begin_generation(std::vector<int64_t> starts, std::string log_id,
                                    done<uint32_t> reply) {
  inner_.begin_generation(std::move(starts), std::move(log_id), std::move(reply));
}

// As the bug `unscoped-id` has it: an id that another site has is a duplicate.
void folded_store::drop_known_ids(apply_request& batch, std::vector<uint32_t>& kept) const {
  std::set<event_key> known;
  for (const auto& [where, x] : now_.rows)
    known.insert(x.event.key);
  std::vector<event_row> rows;
  for (uint32_t i = 0; i < batch.rows.size(); ++i)
    if (known.insert(batch.rows[i].key).second) {
      rows.push_back(batch.rows[i]);
      kept.push_back(i);
    }
  batch.rows = std::move(rows);
}

void folded_store::note_applied(const apply_request& batch, const apply_result& result) {
  for (const auto& x : result.fresh) {
    const auto& event = batch.rows[x.row];
    now_.rows[{batch.partition, event.offset}] = {x.page_no, x.user_no, x.type_no, event};
    now_.pages[x.page_no] = {event.site_id, event.page_url};
    now_.users[{event.site_id, event.user_id}] = x.user_no;
  }
}

void folded_store::apply(apply_request batch, done<apply_result> reply) {
  if (seeded_bug("no-cas"))
    for (const auto& x : states())
      if (x.partition == batch.partition) {
        batch.epoch = x.epoch;
        batch.first_offset = std::min(x.next_offset, batch.next_offset);
        if (x.next_offset > batch.next_offset)
          return reply(apply_result{true, {}, batch.rows.size(), 0, incarnation()});
      }
  if (seeded_bug("skip-poison"))
    batch.bad.clear();
  std::vector<uint32_t> kept;
  if (seeded_bug("unscoped-id"))
    drop_known_ids(batch, kept);
  auto out = answer_of<apply_result>([&](auto done) { inner_.apply(batch, done); });
  if (out && out->moved)
    note_applied(batch, *out);
  if (out && seeded_bug("unscoped-id"))
    for (auto& x : out->fresh)
      x.row = kept[x.row];
  reply(std::move(out));
}

void folded_store::add_folded(uint32_t partition, int64_t from, int64_t until, fold_result& out) {
  std::set<int32_t> changed;
  std::map<int32_t, uint64_t> added;
  for (auto it = now_.rows.lower_bound({partition, from});
       it != now_.rows.end() && it->first < place{partition, until}; ++it) {
    const auto& x = it->second;
    now_.counts.add(x, seeded_bug("now-bucket") ? now_us_() : x.event.at_us);
    changed.insert(x.page_no);
    ++added[x.page_no];
  }
  if (seeded_bug("set-not-delta"))
    for (const auto& [page_no, clicks] : added)
      now_.counts.totals[page_no] = clicks;
  out.pages.clear();
  for (const auto page_no : changed)
    out.pages.push_back({page_no, now_.counts.totals[page_no]});
}

void folded_store::fold(uint32_t partition, int64_t from, int64_t until, done<fold_result> reply) {
  if (seeded_bug("fold-without-cursor")) {
    fold_result out{true, 0, {}, incarnation()};
    add_folded(partition, from, until, out);
    return reply(std::move(out));
  }
  auto out = answer_of<fold_result>([&](auto done) { inner_.fold(partition, from, until, done); });
  if (out && out->moved) {
    add_folded(partition, from, until, *out);
    now_.folded[partition] = until;
  }
  reply(std::move(out));
}

void folded_store::read_counts(std::vector<pair_key> keys, done<snapshot<pair_count>> reply) {
  auto out = answer_of<snapshot<pair_count>>([&](auto done) { inner_.read_counts(keys, done); });
  const auto counts = with_tail();
  for (auto& x : out->values) {
    x.version = at(counts.totals, x.page_no);
    x.clicks = at(counts.pairs, {x.page_no, x.user_no});
  }
  reply(std::move(out));
}

void folded_store::load_pages(std::vector<page_key> keys, int32_t first_minute, uint32_t users_max,
                              done<snapshot<page_load>> reply) {
  auto out = answer_of<snapshot<page_load>>(
      [&](auto done) { inner_.load_pages(keys, first_minute, users_max, done); });
  const auto counts = with_tail();
  for (auto& x : out->values) {
    if (x.page_no == 0)
      continue;
    x.clicks = at(counts.totals, x.page_no);
    std::map<int32_t, uint64_t> types;
    std::map<int32_t, uint32_t> minutes;
    for (const auto& [key, clicks] : counts.types)
      if (key.first == x.page_no)
        types[key.second] = clicks;
    for (const auto& [key, clicks] : counts.minutes)
      if (key.first == x.page_no && key.second >= first_minute)
        minutes[static_cast<int32_t>(key.second)] = static_cast<uint32_t>(clicks);
    x.keep_first(types, minutes);
    if (!x.users_complete)
      continue;
    for (auto& [user_no, clicks] : x.user_clicks)
      clicks = static_cast<std::remove_reference_t<decltype(clicks)>>(
          at(counts.pairs, {x.page_no, user_no}));
  }
  reply(std::move(out));
}

void folded_store::top_pages(std::string site_id, int64_t from_us, int64_t to_us, uint32_t limit,
                             done<snapshot<named_count>> reply) {
  auto out = answer_of<snapshot<named_count>>(
      [&](auto done) { inner_.top_pages(site_id, from_us, to_us, limit, done); });
  const auto counts = with_tail();
  const bool all = from_us == unset_time && to_us == unset_time;
  for (auto& x : out->values)
    for (const auto& [page_no, name] : now_.pages) {
      if (name != std::pair{site_id, x.name})
        continue;
      x.clicks = all ? at(counts.totals, page_no) : 0;
      for (const auto& [key, clicks] : counts.minutes)
        if (!all && key.first == page_no && in_range(key.second, from_us, to_us))
          x.clicks += clicks;
    }
  order(out->values);
  reply(std::move(out));
}

void folded_store::minutes(page_key key, int64_t from_us, int64_t to_us,
                           done<snapshot<series_point>> reply) {
  auto out = answer_of<snapshot<series_point>>(
      [&](auto done) { inner_.minutes(key, from_us, to_us, done); });
  std::map<int64_t, uint64_t> sums;
  for (const auto& [minute, clicks] : with_tail().minutes) {
    const auto& [site_id, page_url] = now_.pages.at(minute.first);
    if (site_id == key.site_id && (key.page_url.empty() || page_url == key.page_url)
        && in_range(minute.second, from_us, to_us))
      sums[minute.second * minute_us] += clicks;
  }
  out->values.clear();
  for (const auto& [at_us, clicks] : sums)
    out->values.push_back({at_us, clicks});
  reply(std::move(out));
}

void folded_store::top_users(page_key key, uint32_t limit, done<snapshot<named_count>> reply) {
  auto out =
      answer_of<snapshot<named_count>>([&](auto done) { inner_.top_users(key, limit, done); });
  const auto counts = with_tail();
  for (auto& x : out->values)
    for (const auto& [page_no, name] : now_.pages)
      if (name == std::pair{key.site_id, key.page_url})
        x.clicks = at(counts.pairs, {page_no, now_.users.at({key.site_id, x.name})});
  order(out->values);
  reply(std::move(out));
}

void folded_store::user_names(std::string site_id, std::vector<int32_t> numbers,
                              done<snapshot<std::string>> reply) {
  inner_.user_names(std::move(site_id), std::move(numbers), std::move(reply));
}

void folded_store::type_names(std::string site_id, std::vector<int32_t> numbers,
                              done<snapshot<std::string>> reply) {
  inner_.type_names(std::move(site_id), std::move(numbers), std::move(reply));
}

void folded_store::compare(const aggregates& expected, const aggregates& found,
                           std::vector<audit_difference>& out) {
  const auto one = [](int32_t x) { return std::to_string(x); };
  const auto two = [](const auto& x) {
    return std::to_string(x.first) + ' ' + std::to_string(x.second);
  };
  differ(expected.totals, found.totals, "page_totals", one, out);
  differ(expected.pairs, found.pairs, "page_clicks", two, out);
  differ(expected.types, found.types, "page_types", two, out);
  differ(expected.minutes, found.minutes, "page_series", two, out);
}

void folded_store::audit(done<std::vector<audit_difference>> reply) {
  aggregates expected;
  for (const auto& [where, x] : now_.rows)
    if (const auto folded = now_.folded.find(where.first);
        folded != now_.folded.end() && where.second < folded->second)
      expected.add(x, x.event.at_us);
  std::vector<audit_difference> out;
  compare(expected, now_.counts, out);
  reply(std::move(out));
}

void folded_store::audit_page(page_key key, done<page_recount> reply) {
  inner_.audit_page(std::move(key), std::move(reply));
}

void folded_store::progress(done<std::vector<partition_state>> reply) {
  inner_.progress(std::move(reply));
}

void folded_store::bad_events(bad_events_ask ask, done<bad_event_page> reply) {
  inner_.bad_events(ask, std::move(reply));
}

void folded_store::mark_redriven(std::vector<redriven> rows, done<uint64_t> reply) {
  inner_.mark_redriven(std::move(rows), std::move(reply));
}

} // namespace footfall::explorer
