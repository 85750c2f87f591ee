#include "actors/count/partition_pages.hpp"

#include <algorithm>

#include <absl/hash/hash.h>

#include "actors/model/log_check.hpp"
#include "actors/model/record.hpp"

namespace footfall::partition_pages {

namespace {

constexpr size_t loads_at_once = 500;
constexpr size_t tail_pages_max = 5 * fold_records_max;

// Whether the page was clicked or asked for lately. Notes that it is now.
bool is_known(partition_ptr self, const std::string& page) {
  return self->state.known_pages.note(absl::HashOf(page));
}

// Whether a click makes its page live. With many live pages once is not enough: addresses
// that somebody invents come but once, and to start and load a page costs more than all
// else that is done for a click.
bool is_worth_it(partition_ptr self, const std::string& page) {
  const auto& st = self->state;
  const bool known = is_known(self, page);
  return st.pages.size() < st.config.live_pages_max / 4 || (known && !st.pages.full());
}

// Its clicks are with the store, and with no page that would tell the cache: the fold does.
void leave_to_fold(partition_ptr self, page_delta x) {
  auto& st = self->state;
  if (st.tail_pages.size() >= tail_pages_max) {
    st.tail_pages.clear();
    st.tail_lost = true;
  }
  auto [at, fresh] = st.tail_pages.try_emplace(x.page_no);
  at->second.clicks = fresh && !st.tail_lost ? x.clicks.size() : 0;
  at->second.next_offset = st.progress.next_offset();
  if (fresh)
    at->second.page = std::move(x.page);
}

page_key key_of(const std::string& page) {
  const auto end_of_site = page.find('\0');
  return {page.substr(0, end_of_site), page.substr(end_of_site + 1)};
}

// As of model::record_key, without making it: this runs for each page of each apply.
uint32_t home_of(partition_ptr self, std::string_view page) {
  const auto end_of_site = page.find('\0');
  const bool by_page = page.substr(0, end_of_site) == default_site;
  return model::partition_of(by_page ? page.substr(end_of_site + 1) : page,
                             self->state.config.partitions);
}

position reached(partition_ptr self) {
  return {self->state.config.partition, self->state.progress.next_offset() - 1};
}

void load_more(partition_ptr self) {
  auto& st = self->state;
  if (!st.loading.empty() || st.load_wanted.empty())
    return;
  const size_t n = std::min(st.load_wanted.size(), loads_at_once);
  st.loading.assign(std::make_move_iterator(st.load_wanted.end() - static_cast<long>(n)),
                    std::make_move_iterator(st.load_wanted.end()));
  st.load_wanted.resize(st.load_wanted.size() - n);
  st.loading_as_of_us = st.config.node->as_of_page(st.config.partition, st.config.now);
  std::vector<page_key> keys;
  for (const auto& x : st.loading)
    keys.push_back(key_of(x.page));
  auto me = caf::actor_cast<partition_actor>(self);
  auto reply = [me, claim = st.progress.claim_no()](caf::expected<snapshot<page_load>> x) {
    store_answer out;
    if (x) {
      out.incarnation = x->incarnation;
      out.reached = std::move(x->reached);
      out.pages = std::move(x->values);
    } else {
      out.code = code_of(x.error());
      out.reason = text_of(x.error());
    }
    caf::anon_send(me, atom::loaded_v, claim, std::move(out));
  };
  const auto first_minute = model::minute_of(st.config.now()) - 60;
  st.config.events->load_pages(std::move(keys), first_minute, st.config.users_per_page_max,
                               std::move(reply));
}

std::shared_ptr<const page_rules> rules(partition_ptr self) {
  auto& st = self->state;
  auto cache = caf::actor_cast<cache_manager_actor>(st.nodes.cache);
  if (!st.rules || st.rules->cache != cache || st.rules->incarnation != st.incarnation) {
    page_rules made{st.config.now,
                    st.config.steady,
                    st.config.counts,
                    cache,
                    st.config.users_per_page_max,
                    st.config.pairs_left,
                    st.incarnation};
    st.rules = std::make_shared<const page_rules>(std::move(made));
  }
  return st.rules;
}

// Who waits for it is told to ask the store. What a load that is under way brings is not for
// the page that has its name later: that one may lack clicks which came in between.
void evict_oldest(partition_ptr self) {
  auto& st = self->state;
  const auto& x = st.pages.oldest();
  self->send(x.handle, atom::passivate_v);
  add(st.config.counts->pages_passivated);
  if (!x.loaded)
    std::erase_if(st.load_wanted, [life = x.life](const auto& y) { return y.life == life; });
  st.pages.drop_oldest();
}

page_table::entry& make_live(partition_ptr self, const std::string& page) {
  auto& st = self->state;
  if (st.pages.full())
    evict_oldest(self);
  page_aggregator_config config{page, rules(self)};
  actor_directory::spawning_parent = self->id();
  auto handle = self->spawn<caf::monitored>(page_aggregator, std::move(config));
  actor_directory::spawning_parent = 0;
  if (!std::exchange(st.sweep_set, true))
    self->delayed_send(self, st.config.passivate_after / 4, atom::tick_v, st.progress.claim_no(),
                       caf::atom("sweep"));
  auto& out = st.pages.add(page, std::move(handle), st.config.steady());
  st.load_wanted.push_back({page, out.life});
  return out;
}

} // namespace

apply_request plan_apply(partition_ptr self) {
  auto& st = self->state;
  apply_request out;
  out.partition = st.config.partition;
  out.epoch = st.progress.epoch();
  out.first_offset = st.progress.next_offset();
  out.next_offset = st.progress.in_flight_end();
  if (!st.progress.in_flight().empty())
    out.mark = model::mark_of(st.progress.in_flight().back());
  st.in_flight_rows.clear();
  st.in_flight_offsets.clear();
  st.in_flight_pages.clear();
  st.in_flight_pages.reserve(st.progress.in_flight().size()); // So that the views below stay valid.
  absl::flat_hash_map<std::string_view, uint32_t> places;
  std::string page;
  if (!st.progress.in_flight().empty())
    out.oldest_us = model::arrival_of(st.progress.in_flight().front());
  out.rows.reserve(st.progress.in_flight().size());
  for (const auto& entry : st.progress.in_flight()) {
    event_row row;
    auto reason = model::decode_record(entry, row);
    if (reason.empty()) {
      page.assign(row.site_id).push_back('\0');
      page.append(row.page_url);
      auto at = places.find(page);
      if (at == places.end()) {
        st.in_flight_pages.push_back(page);
        at = places.emplace(st.in_flight_pages.back(), places.size()).first;
      }
      st.in_flight_rows.push_back({at->second, row.at_us, row.received_at_us});
      st.in_flight_offsets.push_back(entry.offset);
      out.rows.push_back(std::move(row));
      continue;
    }
    out.bad.push_back({entry.offset, entry.time_us, std::move(reason), entry.value});
  }
  add(st.config.counts->events_bad, out.bad.size());
  return out;
}

void take_delta(partition_ptr self, page_delta delta) {
  auto& st = self->state;
  // Its numbers are of another incarnation than the pages. Pages that are loaded later
  // hold its clicks: they were committed before it was sent.
  if (delta.incarnation != st.incarnation)
    return;
  auto* live = st.pages.touch(delta.page, st.config.steady());
  if (!live && st.progress.running() && is_worth_it(self, delta.page))
    live = &make_live(self, delta.page);
  const bool is_ours = delta.partition == st.config.partition;
  if (live) {
    live->needed = true;
    if (!live->loaded && is_ours)
      leave_to_fold(self, delta); // It tells the cache nothing before it is loaded, if ever.
    self->send(live->handle, atom::delta_v, std::move(delta));
  } else if (is_ours) {
    leave_to_fold(self, std::move(delta));
  }
}

void note_applied(partition_ptr self, const apply_result& result) {
  auto& st = self->state;
  std::vector<int64_t> fresh;
  fresh.reserve(result.fresh.size());
  for (const auto& x : result.fresh)
    fresh.push_back(st.in_flight_offsets[x.row]);
  st.config.status->with_history([&](auto& x) { x.add(st.progress.next_offset(), fresh); });
}

void hand_out(partition_ptr self, const apply_result& result) {
  auto& st = self->state;
  const auto as_of =
      st.config.node->as_of_delta(st.config.partition, st.config.now, st.progress.next_offset());
  std::vector<page_delta> deltas;
  std::vector<size_t> places(st.in_flight_pages.size()); // In deltas, plus one.
  for (const auto& x : result.fresh) {
    const auto& row = st.in_flight_rows[x.row];
    auto& place = places[row.page];
    if (place == 0) {
      auto& delta = deltas.emplace_back();
      place = deltas.size();
      delta.page = std::move(st.in_flight_pages[row.page]);
      delta.page_no = x.page_no;
      delta.partition = st.config.partition;
      delta.next_offset = st.progress.next_offset();
      delta.incarnation = st.incarnation;
    }
    deltas[place - 1].clicks.push_back({x.user_no, x.type_no, row.at_us});
  }
  for (auto& delta : deltas) {
    const auto home = home_of(self, delta.page);
    if (home == st.config.partition) {
      delta.as_of_us = as_of;
      take_delta(self, std::move(delta));
      continue;
    }
    st.config.status->has_strays = true;
    if (home < st.nodes.partitions.size() && st.nodes.partitions[home]) {
      leave_to_fold(self, delta); // They are folded here, wherever the page lives.
      self->send(caf::actor_cast<partition_actor>(st.nodes.partitions[home]), atom::delta_v,
                 std::move(delta));
    }
  }
  load_more(self);
}

void ask(partition_ptr self, std::vector<page_ask>& asks) {
  auto& st = self->state;
  auto from = self->current_sender();
  std::vector<page_answer> elsewhere;
  for (auto& x : asks) {
    auto* live = st.pages.touch(x.page, st.config.steady());
    if (!live && (x.kind == query_kind::count || !st.progress.running())) {
      is_known(self, x.page); // Its next click makes it live, and keeps the cache right.
      page_answer out;
      out.ticket = x.ticket;
      elsewhere.push_back(std::move(out));
      continue;
    }
    if (!live)
      live = &make_live(self, x.page);
    self->send(live->handle, atom::ask_v, std::move(x), reached(self), from);
  }
  if (!elsewhere.empty() && from)
    self->send(caf::actor_cast<query_actor>(from), atom::told_v, std::move(elsewhere));
  load_more(self);
}

void watch(partition_ptr self, page_ask& ask) {
  auto& st = self->state;
  auto* live = st.pages.touch(ask.page, st.config.steady());
  if (!live && !st.progress.running())
    return; // It is asked again in a second.
  if (!live)
    live = &make_live(self, ask.page);
  live->needed = true;
  self->send(live->handle, atom::watch_v, std::move(ask), reached(self), self->current_sender());
  load_more(self);
}

void take_loads(partition_ptr self, store_answer& answer) {
  auto& st = self->state;
  auto pages = std::exchange(st.loading, {});
  for (size_t i = 0; i < pages.size(); ++i) {
    auto* live = st.pages.touch(pages[i].page, st.config.steady());
    if (!live || live->life != pages[i].life)
      continue;
    live->loaded = true;
    if (answer.code == errc::none && i < answer.pages.size()) {
      // A page that nobody ever clicked is answered, not kept.
      const bool unknown = answer.pages[i].page_no == 0 && !live->needed;
      answer.pages[i].as_of_us = st.loading_as_of_us;
      self->send(live->handle, atom::loaded_v, std::move(answer.pages[i]), answer.reached);
      if (unknown) {
        self->send(live->handle, atom::passivate_v);
        st.pages.drop(pages[i].page);
      }
    } else {
      self->send(live->handle, atom::failed_v, make_error(answer.code, answer.reason));
      st.pages.drop(pages[i].page);
    }
  }
  load_more(self);
}

void tell_cache(partition_ptr self, const fold_result& result) {
  auto& st = self->state;
  std::vector<cache_advance> out;
  for (const auto& x : result.pages) {
    auto at = st.tail_pages.find(x.page_no);
    // Are its clicks of one apply all that it has, then it was not there before, and
    // nobody can have read an older count.
    if (at != st.tail_pages.end() && at->second.clicks != x.clicks)
      out.push_back({at->second.page, 0, x.clicks, 0, {}, {}}); // Says nothing but "older goes".
  }
  absl::erase_if(st.tail_pages, [&st](const auto& x) {
    return x.second.next_offset <= st.progress.folded_offset();
  });
  auto cache = caf::actor_cast<cache_manager_actor>(st.nodes.cache);
  const bool is_untold = result.pages.empty() && result.events > 0; // They were too many.
  if (std::exchange(st.tail_lost, false) || is_untold)
    forget_cached(self);
  else if (!out.empty() && cache)
    self->send(cache, atom::advance_v, st.incarnation, std::move(out));
}

void forget_cached(partition_ptr self) {
  if (auto cache = caf::actor_cast<cache_manager_actor>(self->state.nodes.cache))
    self->send(cache, atom::forget_v);
}

void renew_cache(partition_ptr self) {
  while (!self->state.pages.empty())
    evict_oldest(self);
  forget_cached(self); // What they told meanwhile is not there.
}

live_pages live(partition_ptr self, uint32_t most) {
  live_pages out;
  out.all = self->state.pages.size();
  for (auto& x : self->state.pages) {
    if (out.pages.size() >= most)
      break;
    out.pages.push_back(x.page);
  }
  return out;
}

caf::result<page_check> check(partition_ptr self, const std::string& page, page_load& stored) {
  if (const auto* live = self->state.pages.find(page))
    return self->delegate(live->handle, atom::check_v, std::move(stored));
  return page_check{};
}

void sweep(partition_ptr self) {
  auto& st = self->state;
  st.sweep_set = false;
  using std::chrono::microseconds;
  const auto idle_us = microseconds(st.config.passivate_after).count();
  const auto now = st.config.steady();
  while (!st.pages.empty() && st.pages.oldest().used_us + idle_us <= now)
    evict_oldest(self);
  if (!st.pages.empty() && !std::exchange(st.sweep_set, true))
    self->delayed_send(self, st.config.passivate_after / 4, atom::tick_v, st.progress.claim_no(),
                       caf::atom("sweep"));
}

void reset(partition_ptr self) {
  auto& st = self->state;
  const auto why =
      make_error(errc::store_unavailable, "the partition starts again; ask again in a moment");
  while (!st.pages.empty()) {
    self->send(st.pages.oldest().handle, atom::failed_v, why);
    st.pages.drop_oldest();
  }
  st.load_wanted.clear();
  st.loading.clear();
  st.tail_pages.clear();
}

void drop_ended(partition_ptr self, const caf::down_msg& down) {
  if (!down.reason)
    return; // Passivated.
  auto& pages = self->state.pages;
  for (auto& x : pages)
    if (x.handle.address() == down.source) {
      pages.drop(std::string{x.page});
      forget_cached(self); // Of clicks that it had not read it told nobody.
      break;
    }
}

} // namespace footfall::partition_pages
