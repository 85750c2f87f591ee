#include "db/memory/memory_store.hpp"

#include <algorithm>
#include <cassert>
#include <set>

namespace footfall {

namespace {

constexpr int64_t minute_us = 60'000'000;

bool in_range(int64_t minute, int64_t from_us, int64_t to_us) {
  const int64_t at_us = minute * minute_us;
  return (from_us == unset_time || at_us >= from_us) && (to_us == unset_time || at_us < to_us);
}

/// Most clicks first, ties by name, one row more than asked for.
void keep_top(std::vector<named_count>& rows, uint32_t limit) {
  std::sort(rows.begin(), rows.end(), [](const named_count& a, const named_count& b) {
    return a.clicks != b.clicks ? a.clicks > b.clicks : a.name < b.name;
  });
  if (rows.size() > size_t{limit} + 1)
    rows.resize(size_t{limit} + 1);
}

} // namespace

memory_store::memory_store(config settings)
    : config_(std::move(settings)), deliveries_(config_.manual) {}

memory_store::~memory_store() {
  hold_loads(false);
  hold_applies(false);
  release();
  release_held();
}

void memory_store::fail_next(errc code, bool done_anyway) {
  std::lock_guard guard{lock_};
  failures_.push_back({code, done_anyway});
}

void memory_store::keep() {
  std::lock_guard guard{lock_};
  kept_ = now_;
}

void memory_store::go_back(bool noticed) {
  std::lock_guard guard{lock_};
  now_ = kept_;
  if (!noticed)
    return;
  if (tell_)
    tell_(incarnation_ + 1, "the test says so");
  ++incarnation_;
}

uint64_t memory_store::incarnation() const {
  std::lock_guard guard{lock_};
  return incarnation_;
}

void memory_store::on_renewal(renewal tell) {
  std::lock_guard guard{lock_};
  tell_ = std::move(tell);
}

std::vector<position> memory_store::reached() const {
  std::vector<position> out;
  for (const auto& [slice, x] : now_.progress)
    if (x.generation == now_.generation && x.next_offset > 0)
      out.push_back({partition_of(slice), x.next_offset - 1});
  return out;
}

void memory_store::claim(uint32_t partition, const lease_claim* by, done<partition_claim>& reply) {
  run<partition_claim>(reply, [&] {
    const auto at = now_.progress.find(slice_of(partition));
    if (by && !nodes_.may_claim(*by, at == now_.progress.end() ? 0 : at->second.epoch))
      return partition_claim::refused();
    for (auto& [slice, x] : now_.progress)
      if (x.generation != now_.generation && partition_of(slice) == partition)
        x.folded_offset = x.next_offset;
    auto& x = now_.progress[slice_of(partition)];
    x.generation = now_.generation;
    x.epoch = ++epochs_;
    if (by)
      nodes_.claimed(*by, x.epoch);
    return x;
  });
}

void memory_store::adopt(uint32_t partition, int64_t epoch, std::string log_id, done<bool> reply) {
  run<bool>(reply, [&] {
    auto own = now_.progress.find(slice_of(partition));
    if (own == now_.progress.end() || own->second.epoch != epoch)
      return false;
    own->second.log_id = log_id;
    return true;
  });
}

void memory_store::begin_generation(std::vector<int64_t> starts, std::string log_id,
                                    done<uint32_t> reply) {
  run<uint32_t>(reply, [&]() -> caf::expected<uint32_t> {
    if (now_.generation == generations_max)
      return make_error(errc::overloaded, "the store has had all its generations");
    const auto before = now_.generation++;
    for (uint32_t i = 0; i < starts.size(); ++i) {
      auto& old = now_.progress[before << 10 | i];
      old.generation = before;
      old.epoch = ++epochs_;
      now_.progress[slice_of(i)] = {old.epoch,       starts[i], starts[i], 0,
                                    now_.generation, log_id,    {}};
    }
    return now_.generation;
  });
}

apply_result memory_store::do_apply(const apply_request& batch) {
  assert(is_in_order(batch));
  apply_result out;
  auto own = now_.progress.find(slice_of(batch.partition));
  if (own == now_.progress.end() || own->second.epoch != batch.epoch
      || own->second.next_offset != batch.first_offset)
    return out;
  out.moved = true;
  own->second.next_offset = batch.next_offset;
  if (batch.mark.offset >= 0)
    own->second.mark = batch.mark;
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    const auto& x = batch.rows[i];
    auto [id, fresh] = now_.payload_of_id.emplace(std::pair{x.site_id, x.key}, x.payload_hash);
    if (!fresh) {
      ++out.duplicates;
      out.id_conflicts += id->second != x.payload_hash ? 1 : 0;
      continue;
    }
    row made{now_.pages.intern({x.site_id, x.page_url}), now_.users.intern({x.site_id, x.user_id}),
             now_.types.intern(x.event_type), x.at_us};
    now_.rows.emplace(std::pair{slice_of(batch.partition), x.offset}, made);
    out.fresh.push_back({static_cast<uint32_t>(i), made.page_no, made.user_no, made.type_no});
  }
  for (const auto& x : batch.bad)
    now_.bad.emplace(std::pair{slice_of(batch.partition), x.offset},
                     bad_event{{batch.partition, x.offset}, x.time_us, x.reason, x.raw, {}});
  return out;
}

void memory_store::apply(apply_request batch, done<apply_result> reply) {
  if (held_applies_.keep([=, this] { apply(batch, reply); }))
    return;
  run<apply_result>(reply, [&]() -> caf::expected<apply_result> {
    if (refuse_applies)
      return make_error(errc::store_unavailable, "refused by the test");
    if (batch.next_offset < batch.first_offset)
      return make_error(errc::invalid_argument, "the batch ends before it begins");
    return do_apply(batch);
  });
}

uint64_t memory_store::folded_rows_of(int32_t page_no) const {
  uint64_t out = 0;
  for (const auto& [at, x] : now_.rows)
    out += x.page_no == page_no && at.second < now_.progress.at(at.first).folded_offset;
  return out;
}

fold_result memory_store::do_fold(uint32_t partition, int64_t from, int64_t until) const {
  fold_result out;
  out.moved = true;
  std::set<int32_t> changed;
  const auto slice = slice_of(partition);
  for (auto at = now_.rows.lower_bound({slice, from});
       at != now_.rows.end() && at->first < std::pair{slice, until}; ++at) {
    ++out.events;
    changed.insert(at->second.page_no);
  }
  if (changed.size() > fold_records_max)
    return out;
  for (auto page_no : changed)
    out.pages.push_back({page_no, folded_rows_of(page_no)});
  return out;
}

void memory_store::fold(uint32_t partition, int64_t from, int64_t until, done<fold_result> reply) {
  if (held_folds_.keep([=, this] { fold(partition, from, until, reply); }))
    return;
  run<fold_result>(reply, [&]() -> caf::expected<fold_result> {
    if (refuse_folds)
      return make_error(errc::store_unavailable, "refused by the test");
    auto x = now_.progress.find(slice_of(partition));
    if (x == now_.progress.end() || x->second.folded_offset != from || until < from
        || until > x->second.next_offset)
      return fold_result{};
    x->second.folded_offset = until;
    return do_fold(partition, from, until);
  });
}

void memory_store::read_counts(std::vector<pair_key> keys, done<snapshot<pair_count>> reply) {
  read<pair_count>(reply, [&] {
    snapshot<pair_count> out{reached(), {}};
    for (const auto& key : keys) {
      pair_count x{now_.pages.find({key.site_id, key.page_url}),
                   now_.users.find({key.site_id, key.user_id}), 0, 0};
      for (const auto& [at, row] : now_.rows)
        if (x.page_no != 0 && row.page_no == x.page_no) {
          ++x.version;
          x.clicks += row.user_no == x.user_no ? 1 : 0;
        }
      out.values.push_back(x);
    }
    return out;
  });
}

page_load memory_store::do_load(const page_key& key, int32_t first_minute,
                                uint32_t users_max) const {
  page_load out;
  out.page_no = now_.pages.find({key.site_id, key.page_url});
  std::map<int32_t, uint64_t> types;
  std::map<int32_t, uint32_t> minutes;
  std::map<int32_t, uint32_t> users;
  for (const auto& [at, x] : now_.rows) {
    if (out.page_no == 0 || x.page_no != out.page_no)
      continue;
    ++out.clicks;
    out.last_at_us = out.clicks == 1 ? x.at_us : std::max(out.last_at_us, x.at_us);
    ++types[x.type_no];
    ++users[x.user_no];
    if (const auto minute = static_cast<int32_t>(x.at_us / minute_us); minute >= first_minute)
      ++minutes[minute];
  }
  out.users = users.size();
  out.keep_first(types, minutes);
  out.users_complete = users.size() <= users_max;
  if (out.users_complete)
    out.user_clicks.assign(users.begin(), users.end());
  return out;
}

void memory_store::load_pages(std::vector<page_key> keys, int32_t first_minute, uint32_t users_max,
                              done<snapshot<page_load>> reply) {
  done<snapshot<page_load>> when_due = [this, reply](caf::expected<snapshot<page_load>> x) {
    if (!held_loads_.keep([reply, x] { reply(x); }))
      reply(std::move(x));
  };
  read<page_load>(when_due, [&] {
    snapshot<page_load> out{reached(), {}};
    for (const auto& key : keys)
      out.values.push_back(do_load(key, first_minute, users_max));
    return out;
  });
}

void memory_store::top_pages(std::string site_id, int64_t from_us, int64_t to_us, uint32_t limit,
                             done<snapshot<named_count>> reply) {
  read<named_count>(reply, [&] {
    const bool all = from_us == unset_time && to_us == unset_time;
    std::map<int32_t, std::pair<uint64_t, std::set<int32_t>>> counts;
    for (const auto& [at, x] : now_.rows)
      if (now_.pages.text(x.page_no).first == site_id
          && in_range(x.at_us / minute_us, from_us, to_us)) {
        auto& count = counts[x.page_no];
        ++count.first;
        count.second.insert(x.user_no);
      }
    snapshot<named_count> out{reached(), {}};
    for (const auto& [page_no, count] : counts)
      out.values.push_back(
          {now_.pages.text(page_no).second, count.first, all ? count.second.size() : 0});
    keep_top(out.values, limit);
    return out;
  });
}

void memory_store::minutes(page_key key, int64_t from_us, int64_t to_us,
                           done<snapshot<series_point>> reply) {
  read<series_point>(reply, [&] {
    std::map<int64_t, uint64_t> counts;
    for (const auto& [at, x] : now_.rows) {
      const auto& [site_id, page_url] = now_.pages.text(x.page_no);
      const int64_t minute = x.at_us / minute_us;
      if (site_id == key.site_id && (key.page_url.empty() || page_url == key.page_url)
          && in_range(minute, from_us, to_us))
        ++counts[minute * minute_us];
    }
    snapshot<series_point> out{reached(), {}};
    for (const auto& [at_us, clicks] : counts)
      out.values.push_back({at_us, clicks});
    return out;
  });
}

void memory_store::top_users(page_key key, uint32_t limit, done<snapshot<named_count>> reply) {
  read<named_count>(reply, [&] {
    std::map<int32_t, uint64_t> counts;
    const auto page_no = now_.pages.find({key.site_id, key.page_url});
    for (const auto& [at, x] : now_.rows)
      if (x.page_no == page_no)
        ++counts[x.user_no];
    snapshot<named_count> out{reached(), {}};
    for (const auto& [user_no, clicks] : counts)
      out.values.push_back({now_.users.text(user_no).second, clicks, 0});
    keep_top(out.values, limit);
    return out;
  });
}

void memory_store::user_names(std::string /*site_id*/, std::vector<int32_t> numbers,
                              done<snapshot<std::string>> reply) {
  users_named += numbers.size();
  read<std::string>(reply, [&] {
    snapshot<std::string> out;
    for (auto x : numbers)
      out.values.push_back(now_.users.has(x) ? now_.users.text(x).second : std::string{});
    return out;
  });
}

void memory_store::type_names(std::string /*site_id*/, std::vector<int32_t> numbers,
                              done<snapshot<std::string>> reply) {
  read<std::string>(reply, [&] {
    snapshot<std::string> out;
    for (auto x : numbers)
      out.values.push_back(now_.types.has(x) ? now_.types.text(x) : std::string{});
    return out;
  });
}

void memory_store::audit(done<std::vector<audit_difference>> reply) {
  // There are no aggregates that could differ.
  run<std::vector<audit_difference>>(reply, [] { return std::vector<audit_difference>{}; });
}

void memory_store::audit_page(page_key key, done<page_recount> reply) {
  run<page_recount>(reply, [&] {
    return page_recount{folded_rows_of(now_.pages.find({key.site_id, key.page_url})), {}};
  });
}

void memory_store::progress(done<std::vector<partition_state>> reply) {
  run<std::vector<partition_state>>(reply, [&] {
    std::vector<partition_state> out;
    for (const auto& [slice, x] : now_.progress)
      if (x.generation == now_.generation)
        out.push_back({partition_of(slice), x.epoch, x.next_offset, x.folded_offset});
    return out;
  });
}

void memory_store::bad_events(bad_events_ask ask, done<bad_event_page> reply) {
  run<bad_event_page>(reply, [&] {
    bad_event_page out;
    size_t bytes = 0;
    for (auto at = now_.bad.upper_bound({slice_of(ask.after.partition), ask.after.offset});
         at != now_.bad.end(); ++at) {
      if (ask.open_only && at->second.redriven.offset >= 0)
        continue;
      out.more = out.rows.size() >= ask.limit || bytes >= bad_event_page_bytes;
      if (out.more)
        break;
      bytes += at->second.raw.size();
      out.rows.push_back(at->second);
    }
    return out;
  });
}

void memory_store::mark_redriven(std::vector<redriven> rows, done<uint64_t> reply) {
  run<uint64_t>(reply, [&] {
    uint64_t marked = 0;
    for (const auto& x : rows)
      if (auto at = now_.bad.find({slice_of(x.bad.partition), x.bad.offset});
          at != now_.bad.end()) {
        at->second.redriven = x.to;
        ++marked;
      }
    return marked;
  });
}

} // namespace footfall
