#include "actors/answer/query_reads.hpp"

#include <algorithm>
#include <deque>

#include "actors/answer/query_names.hpp"
#include "actors/answer/query_parts.hpp"
#include "actors/model/page_state.hpp"
#include "actors/model/record.hpp"
#include "actors/model/series.hpp"
#include "actors/port_answers.hpp"
#include "proto/seeded_bug.hpp"

namespace footfall::query_parts {

namespace {

using open_query = query_state::open_query;

constexpr size_t count_reads_max = 2;
constexpr size_t counts_a_read = 1000;
constexpr size_t page_reads_max = 2;
constexpr size_t pages_a_read = 32;
/// Questions (not watches) that wait for pages or read them: of one node, and of each of those that
/// share a store. A page costs PostgreSQL a part of a millisecond, and when memory may not be asked
/// all come at once.
constexpr size_t pages_wanted_max = 4'096;
constexpr size_t pages_wanted_of_many_max = 64;

// Tells how a read went to who looks after the store.
auto note_of(query_ptr self) {
  return
      [reads = self->state.config.reads, now = self->state.config.steady](const store_answer& x) {
        if (!reads)
          return;
        if (x.code == errc::none)
          reads->well(now());
        else if (x.code == errc::store_unavailable || x.code == errc::internal)
          reads->failed(now(), x.reason);
      };
}

// A callback of the store that numbers the read it belongs to.
template <class Fill>
auto begin_read(query_ptr self, std::vector<uint64_t> ids, Fill fill, bool counts = false) {
  auto& st = self->state;
  const auto batch = st.next_batch++;
  auto& read = st.reads[batch];
  read.counts = counts;
  for (auto id : ids) {
    auto& x = st.open.at(id);
    x.read_us = st.config.steady();
    x.reading = batch;
    read.as_of_us.push_back(as_of(self, x.ask));
  }
  read.ids = std::move(ids);
  auto me = caf::actor_cast<query_actor>(self);
  return [me, batch, fill, note = note_of(self)](auto x) {
    auto out = answer_of(x, fill);
    out.batch = batch;
    note(out);
    caf::anon_send(me, atom::loaded_v, std::move(out));
  };
}

constexpr auto fill_rows = [](store_answer& out, snapshot<named_count>& x) {
  out.reached = std::move(x.reached);
  out.rows = std::move(x.values);
};

void take_count(query_ptr self, uint64_t id, open_query& x, const pair_count& found,
                const store_answer& read, int64_t as_of_us) {
  auto& st = self->state;
  query_answer out;
  out.source = answer_source::store;
  out.as_of_us = as_of_us;
  out.reached = read.reached;
  out.clicks = found.clicks;
  const auto home = home_of(self, x.ask);
  for (const auto& at : read.reached)
    if (at.partition == home)
      st.told_by_store.put(page_of(x.ask), at.offset);
  if (found.user_no != 0)
    note_user_number(self, x.ask, found.user_no);
  // Version 0 is before the first click; nobody is told when that comes.
  if (found.user_no != 0 && found.page_no != 0 && found.version != 0
      && is_answered_here(self, x.ask))
    st.fills.push_back({page_of(x.ask), found.version, out.as_of_us, read.reached, found.user_no,
                        found.clicks, x.read_us});
  finish(self, id, std::move(out));
}

void take_store(query_ptr self, uint64_t id, open_query& x, store_answer& read, size_t place,
                int64_t as_of_us) {
  if (read.code != errc::none) {
    fail(self, id, read.code, read.reason);
    return;
  }
  if (!read.numbers.empty())
    return finish_named(self, id, x);
  if (!is_reached(read.reached, x.ask.after)) {
    x.again = true; // The store is not where the partitions said it was.
    return;
  }
  if (x.ask.kind == query_kind::count) {
    take_count(self, id, x, read.counts.at(place), read, as_of_us);
    return;
  }
  query_answer out;
  out.source = answer_source::store;
  out.as_of_us = as_of_us;
  out.reached = read.reached;
  if (x.ask.kind == query_kind::series) {
    out.points = model::fill_series(read.points, x.ask.step, x.ask.from_us, x.ask.to_us);
  } else if (x.ask.kind == query_kind::page) {
    auto page = read.pages.at(place); // Others may have asked for it as well.
    model::page_state counts;
    out.users = page.users;
    counts.load(std::move(page), {});
    out.clicks = counts.clicks();
    out.minutes = counts.last_hour(self->state.config.now());
    return name_rows(self, id, x, std::move(out), counts.by_type());
  } else {
    out.rows = std::move(read.rows);
    out.users_known = x.ask.from_us == unset_time && x.ask.to_us == unset_time;
    order_rows(out, x.ask.limit);
  }
  finish(self, id, std::move(out));
}

} // namespace

uint32_t home_of(query_ptr self, const query_ask& ask) {
  // Pages live in the partitions that there were at the start.
  const auto homes = std::max<size_t>(self->state.nodes.partitions.size(), 1);
  return model::partition_of(model::record_key(ask.site_id, ask.page_url),
                             static_cast<uint32_t>(homes));
}

bool is_answered_here(query_ptr self, const query_ask& ask) {
  const auto& st = self->state;
  if (st.config.node.empty() || seeded_bug("nodes-cache-of-others"))
    return true;
  const auto& part = st.config.status->parts[home_of(self, ask)];
  return st.config.steady() <= part.fresh_until_us;
}

int64_t as_of(query_ptr self, const query_ask& ask) {
  const auto& st = self->state;
  const auto& node = *st.config.status;
  if (ask.page_url.empty()) // All pages of a site.
    return node.as_of_all(st.config.now);
  return node.as_of_page(home_of(self, ask), st.config.now);
}

void read_counts(query_ptr self) {
  auto& st = self->state;
  while (!st.count_wanted.empty() && st.count_reads < count_reads_max) {
    std::vector<uint64_t> ids;
    std::vector<pair_key> keys;
    while (!st.count_wanted.empty() && ids.size() < counts_a_read) {
      const auto id = st.count_wanted.back();
      st.count_wanted.pop_back();
      auto at = st.open.find(id);
      if (at == st.open.end())
        continue;
      const auto& ask = at->second.ask;
      ids.push_back(id);
      keys.push_back({ask.site_id, ask.page_url, ask.user_id});
    }
    if (ids.empty())
      return;
    ++st.count_reads;
    st.config.events->read_counts(std::move(keys),
                                  begin_read(
                                      self, std::move(ids),
                                      [](store_answer& out, snapshot<pair_count>& x) {
                                        out.reached = std::move(x.reached);
                                        out.counts = std::move(x.values);
                                      },
                                      true));
  }
}

void want_page(query_ptr self, uint64_t id) {
  auto& st = self->state;
  auto& x = st.open.at(id);
  if (x.page_wanted)
    return; // What that reads is of later.
  const auto most = st.config.node.empty() ? pages_wanted_max : pages_wanted_of_many_max;
  if (!x.watch && st.page_wanted.size() + st.pages_read >= most) {
    fail(self, id, errc::overloaded,
         std::string{"too many pages are being read from the store"}
             + (st.config.status->doubts_memory ? ", as none may be answered from memory" : "")
             + "; ask again in a second");
    return;
  }
  x.page_wanted = true;
  auto& to = x.watch ? st.page_watched : st.page_wanted;
  if (x.alone) // It has waited before.
    to.push_front(id);
  else
    to.push_back(id);
}

namespace {

/// Pages of one site.
struct page_read {
  std::vector<uint64_t> ids;
  std::vector<uint32_t> places; ///< In `keys`, of each id: several may want one page.
  std::vector<page_key> keys;
  size_t most = pages_a_read;
  size_t questions = 0;
};

/// Takes those of a line that fit, the oldest first. One that failed with others is read alone.
void take_some(query_ptr self, std::deque<uint64_t>& from, page_read& out) {
  auto& st = self->state;
  std::deque<uint64_t> rest;
  for (const auto id : std::exchange(from, {})) {
    auto at = st.open.find(id);
    if (at == st.open.end() || !at->second.page_wanted)
      continue; // Nobody waits for it any more.
    auto& x = at->second;
    const auto& ask = x.ask;
    auto place = std::find_if(out.keys.begin(), out.keys.end(), [&](const page_key& key) {
      return key.page_url == ask.page_url && key.site_id == ask.site_id;
    });
    if (place == out.keys.end()) {
      const bool fits =
          out.keys.empty()
          || (out.keys.size() < out.most && !x.alone && out.keys[0].site_id == ask.site_id);
      if (!fits) {
        rest.push_back(id);
        continue;
      }
      if (x.alone)
        out.most = 1;
      place = out.keys.insert(place, {ask.site_id, ask.page_url});
    }
    out.ids.push_back(id);
    out.places.push_back(static_cast<uint32_t>(place - out.keys.begin()));
    out.questions += x.watch ? 0 : 1;
    x.page_wanted = x.alone = false;
  }
  from = std::move(rest);
}

} // namespace

void read_pages(query_ptr self) {
  auto& st = self->state;
  while (st.page_reads < page_reads_max) {
    page_read next;
    // In turns, so that neither kind keeps the other from being read.
    st.watches_first = !st.watches_first;
    take_some(self, st.watches_first ? st.page_watched : st.page_wanted, next);
    take_some(self, st.watches_first ? st.page_wanted : st.page_watched, next);
    if (next.ids.empty())
      return;
    ++st.page_reads;
    st.pages_read += next.questions;
    const auto first_minute = model::minute_of(st.config.now()) - 60;
    auto done = begin_read(self, std::move(next.ids), fill_pages);
    auto& read = st.reads.at(st.next_batch - 1);
    read.places = std::move(next.places);
    read.questions = next.questions;
    st.config.events->load_pages(std::move(next.keys), first_minute, 0, std::move(done));
  }
}

void read_names(query_ptr self, uint64_t id, const query_ask& ask, std::vector<int32_t> numbers) {
  auto fill = [numbers](store_answer& out, snapshot<std::string>& found) {
    out.numbers = numbers;
    out.names = std::move(found.values);
  };
  auto& events = *self->state.config.events;
  if (ask.kind == query_kind::users)
    events.user_names(ask.site_id, numbers, begin_read(self, {id}, fill));
  else
    events.type_names(ask.site_id, numbers, begin_read(self, {id}, fill));
}

void read_series(query_ptr self, uint64_t id, const query_ask& ask) {
  self->state.config.events->minutes(
      {ask.site_id, ask.page_url}, ask.from_us, ask.to_us,
      begin_read(self, {id}, [](store_answer& out, snapshot<series_point>& x) {
        out.reached = std::move(x.reached);
        out.points = std::move(x.values);
      }));
}

void read_top_pages(query_ptr self, uint64_t id, const query_ask& ask) {
  self->state.config.events->top_pages(ask.site_id, ask.from_us, ask.to_us, ask.limit,
                                       begin_read(self, {id}, fill_rows));
}

void read_users(query_ptr self, uint64_t id, const query_ask& ask) {
  self->state.config.events->top_users({ask.site_id, ask.page_url}, ask.limit,
                                       begin_read(self, {id}, fill_rows));
}

void take_read(query_ptr self, store_answer& read) {
  auto& st = self->state;
  auto batch = st.reads.find(read.batch);
  if (batch == st.reads.end())
    return;
  const auto ids = std::move(batch->second.ids);
  const auto as_of_us = std::move(batch->second.as_of_us);
  const auto places = std::move(batch->second.places);
  const bool is_of_many = std::any_of(places.begin(), places.end(), [](auto x) { return x != 0; });
  if (batch->second.counts)
    --st.count_reads;
  if (!places.empty()) {
    --st.page_reads;
    st.pages_read -= batch->second.questions;
  }
  st.reads.erase(batch);
  // Another incarnation's answer is no answer; a newer one makes all begin again.
  if (read.code == errc::none && read.incarnation > st.incarnation)
    return renew(self, read.incarnation);
  if (read.code == errc::none && read.incarnation < st.incarnation) {
    for (auto id : ids)
      if (auto at = st.open.find(id); at != st.open.end()) {
        at->second.reading = 0;
        at->second.again = !at->second.watch;
      }
    return;
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    auto at = st.open.find(ids[i]);
    if (at == st.open.end())
      continue;
    if (!read.numbers.empty())
      take_names(self, at->second, read);
    if (at->second.reading != read.batch)
      continue;
    at->second.reading = 0;
    // What is damaged of one page says nothing of the others.
    const bool is_of_one = read.code == errc::corrupt || read.code == errc::internal;
    if (is_of_one && is_of_many) {
      at->second.alone = true;
      want_page(self, ids[i]);
      continue;
    }
    take_store(self, ids[i], at->second, read, places.empty() ? i : places[i], as_of_us[i]);
  }
}

} // namespace footfall::query_parts
