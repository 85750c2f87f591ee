#include "actors/count/partition_pages.hpp"

#include <algorithm>
#include <cassert>

#include <absl/container/flat_hash_map.h>

#include "actors/count/partition_active.hpp"
#include "actors/count/partition_lease.hpp"
#include "actors/model/log_check.hpp"
#include "actors/model/record.hpp"
#include "actors/port_answers.hpp"

namespace footfall::partition_pages {

namespace {

using step = model::page_step;
using steps = model::page_table::steps;

constexpr size_t loads_at_once = 500;
constexpr size_t tail_pages_max = 5 * fold_records_max;

// As of model::record_key, without making it: this runs for each page of each apply.
uint32_t home_of(partition_ptr self, std::string_view page) {
  const auto [site, url] = split_site(page);
  return model::partition_of(site == default_site ? url : page, self->state.config.partitions);
}

position reached(partition_ptr self) {
  return {self->state.config.partition, self->state.progress.next_offset() - 1};
}

void forget_cached(partition_ptr self) {
  if (auto cache = caf::actor_cast<cache_manager_actor>(self->state.nodes.cache))
    self->send(cache, atom::forget_v);
}

void load_more(partition_ptr self) {
  auto& st = self->state;
  const auto& all = st.pages.load();
  if (all.empty())
    return;
  std::vector<page_key> keys;
  for (const auto& x : all)
    keys.push_back(page_key_of(st.pages.page(x.slot)));
  st.loading_as_of_us = st.config.node->as_of_page(st.config.partition, st.config.now);
  auto me = caf::actor_cast<partition_actor>(self);
  auto reply = [me, claim = st.progress.claim_no()](caf::expected<snapshot<page_load>> x) {
    caf::anon_send(me, atom::loaded_v, claim, answer_of(x, fill_pages));
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

void spawn(partition_ptr self, uint32_t slot) {
  auto& st = self->state;
  page_aggregator_config config{st.pages.page(slot), rules(self)};
  actor_directory::spawning_parent = self->id();
  auto handle = self->spawn<caf::monitored>(page_aggregator, std::move(config));
  actor_directory::spawning_parent = 0;
  if (st.aggregators.size() <= slot)
    st.aggregators.resize(slot + 1);
  st.aggregators[slot] = std::move(handle);
  if (!std::exchange(st.sweep_set, true))
    self->delayed_send(self, st.config.passivate_after / 4, atom::tick_v, st.progress.claim_no(),
                       caf::atom("sweep"));
}

/// Does what the table says. `hand` is given the aggregator that the input, or what was
/// loaded for it, goes to; `why` is told to those who wait for a page that fails.
template <class Hand>
void obey(partition_ptr self, const steps& all, Hand hand, const caf::error& why = {}) {
  auto& st = self->state;
  for (const auto& x : all) {
    if (x.what == step::kind::spawn)
      spawn(self, x.slot);
    auto& live = st.aggregators[x.slot];
    switch (x.what) {
    case step::kind::deliver:
    case step::kind::give: hand(live, x); break;
    case step::kind::evict:
      self->send(live, atom::passivate_v);
      add(st.config.counts->pages_passivated);
      live = page_aggregator_actor{};
      break;
    case step::kind::fail:
      self->send(live, atom::failed_v, why);
      live = page_aggregator_actor{};
      break;
    case step::kind::forget:
      live = page_aggregator_actor{};
      forget_cached(self);
      break;
    case step::kind::spawn:  // Done.
    case step::kind::refuse: // Not for an aggregator, like what is to be loaded.
    case step::kind::load: break;
    }
  }
}

constexpr auto to_nobody = [](const page_aggregator_actor&, const step&) {};

/// Whether a page becomes live for the question.
bool is_worth_it(const page_ask& x) {
  return x.kind != query_kind::count && (x.kind != query_kind::page || x.limit != 0);
}

} // namespace

void start(partition_ptr self) {
  self->state.pages.start();
  self->state.config.status->waits_for_folds_us = 0;
  partition_active::start(self);
}

apply_request plan_apply(partition_ptr self) {
  auto& st = self->state;
  apply_request out;
  if (st.progress.unfolded() < st.config.unfolded_max / 2)
    st.config.status->waits_for_folds_us = 0; // They have caught up.
  out.partition = st.config.partition;
  out.epoch = st.progress.epoch();
  out.first_offset = st.progress.next_offset();
  out.next_offset = st.progress.in_flight_end();
  if (!st.progress.in_flight().empty())
    out.mark = model::mark_of(st.progress.in_flight().back());
  st.in_flight_rows.clear();
  st.in_flight_offsets.clear();
  st.in_flight_pages.clear();
  st.in_flight_homes.clear();
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
      put_in_site(page, row.site_id, row.page_url);
      auto at = places.find(page);
      if (at == places.end()) {
        st.in_flight_pages.push_back(page);
        at = places.emplace(st.in_flight_pages.back(), places.size()).first;
        st.in_flight_homes.push_back(home_of(self, page));
      }
      st.in_flight_rows.push_back({at->second, row.at_us, row.received_at_us});
      st.in_flight_offsets.push_back(entry.offset);
      out.rows.push_back(std::move(row));
      continue;
    }
    out.bad.push_back({entry.offset, entry.time_us, std::move(reason), entry.value});
  }
  assert(out.next_offset > out.first_offset);
  assert(st.in_flight_rows.size() == out.rows.size());
  add(st.config.counts->events_bad, out.bad.size());
  const auto is_stray = [&](uint32_t home) { return home != st.config.partition; };
  if (std::any_of(st.in_flight_homes.begin(), st.in_flight_homes.end(), is_stray))
    out.has_strays = st.config.status->has_strays = st.config.status->strays_untold = true;
  // Nodes that began later have other homes for the pages than this one.
  if (st.config.node->has_grown())
    out.has_strays = true;
  return out;
}

void take_delta(partition_ptr self, page_delta delta) {
  auto& st = self->state;
  // Its numbers are of another incarnation than the pages. Pages that are loaded later
  // hold its clicks: they were committed before it was sent.
  if (delta.incarnation != st.incarnation)
    return;
  partition_active::add(self, delta);
  // Nobody may ask it, and it would be forgotten by the next beat.
  if (st.config.leased && st.config.node->doubts_memory && !st.pages.find(delta.page)) {
    if (delta.partition == st.config.partition)
      st.pages.click_elsewhere(delta);
    return;
  }
  obey(self, st.pages.click(delta, st.config.steady()),
       [&](const auto& to, const step&) { self->send(to, atom::delta_v, std::move(delta)); });
}

void note_applied(partition_ptr self, const apply_result& result) {
  auto& st = self->state;
  std::vector<int64_t> fresh;
  fresh.reserve(result.fresh.size());
  for (const auto& x : result.fresh) {
    assert(x.row < st.in_flight_offsets.size());
    fresh.push_back(st.in_flight_offsets[x.row]);
  }
  st.config.status->with_history([&](auto& x) { x.add(st.progress.next_offset(), fresh); });
}

void hand_out(partition_ptr self, const apply_result& result) {
  auto& st = self->state;
  const auto as_of = partition_lease::applied_as_of(
      self,
      st.config.node->as_of_delta(st.config.partition, st.config.now, st.progress.next_offset()));
  std::vector<page_delta> deltas;
  std::vector<uint32_t> homes;                           // Of the deltas.
  std::vector<size_t> places(st.in_flight_pages.size()); // In deltas, plus one.
  for (const auto& x : result.fresh) {
    assert(x.row < st.in_flight_rows.size() && x.page_no > 0);
    const auto& row = st.in_flight_rows[x.row];
    assert(row.page < places.size());
    auto& place = places[row.page];
    if (place == 0) {
      auto& delta = deltas.emplace_back();
      place = deltas.size();
      delta.page = std::move(st.in_flight_pages[row.page]);
      homes.push_back(st.in_flight_homes[row.page]);
      delta.page_no = x.page_no;
      delta.partition = st.config.partition;
      delta.next_offset = st.progress.next_offset();
      delta.incarnation = st.incarnation;
    }
    deltas[place - 1].clicks.push_back({x.user_no, x.type_no, row.at_us});
  }
  for (size_t i = 0; i < deltas.size(); ++i) {
    auto& delta = deltas[i];
    const auto home = homes[i];
    if (home == st.config.partition) {
      delta.as_of_us = as_of;
      take_delta(self, std::move(delta));
      continue;
    }
    if (home < st.nodes.partitions.size() && st.nodes.partitions[home]) {
      st.pages.click_elsewhere(delta); // They are folded here, wherever the page lives.
      self->send(caf::actor_cast<partition_actor>(st.nodes.partitions[home]), atom::delta_v,
                 std::move(delta));
    }
  }
  st.config.status->strays_untold = false;
  partition_active::applied(self);
  load_more(self);
}

void ask(partition_ptr self, std::vector<page_ask>& asks) {
  auto& st = self->state;
  auto from = self->current_sender();
  std::vector<page_answer> elsewhere;
  for (auto& x : asks) {
    const auto as_of = partition_lease::live_as_of(self, x.as_of_us);
    if (!as_of) {
      elsewhere.emplace_back().ticket = x.ticket;
      continue;
    }
    x.as_of_us = *as_of;
    const auto& all = st.pages.ask(x.page, is_worth_it(x), st.config.steady());
    if (all.front().what == step::kind::refuse) {
      elsewhere.emplace_back().ticket = x.ticket;
      continue;
    }
    obey(self, all, [&](const auto& to, const step&) {
      self->send(to, atom::ask_v, std::move(x), reached(self), from);
    });
  }
  if (!elsewhere.empty() && from)
    self->send(caf::actor_cast<query_actor>(from), atom::told_v, std::move(elsewhere));
  load_more(self);
}

void watch(partition_ptr self, page_ask& ask) {
  auto& st = self->state;
  const auto as_of = partition_lease::live_as_of(self, ask.as_of_us);
  if (!as_of) {
    page_answer elsewhere;
    elsewhere.ticket = ask.ticket;
    self->send(caf::actor_cast<query_actor>(self->current_sender()), atom::told_v,
               std::vector<page_answer>{std::move(elsewhere)});
    return;
  }
  ask.as_of_us = *as_of;
  // While the partition does not run it goes to nobody: it is asked again in a second.
  obey(self, st.pages.watch(ask.page, st.config.steady()), [&](const auto& to, const step&) {
    self->send(to, atom::watch_v, std::move(ask), reached(self), self->current_sender());
  });
  load_more(self);
}

void take_loads(partition_ptr self, store_answer& answer) {
  auto& st = self->state;
  auto give = [&](const page_aggregator_actor& to, const step& x) {
    auto& page = answer.pages[x.index];
    page.as_of_us = st.loading_as_of_us;
    self->send(to, atom::loaded_v, std::move(page), answer.reached);
  };
  if (answer.code == errc::none)
    obey(self, st.pages.loaded(answer.pages, st.config.steady()), give,
         make_error(errc::internal, "the store gave fewer pages than were asked for"));
  else
    obey(self, st.pages.load_failed(), to_nobody, make_error(answer.code, answer.reason));
  load_more(self);
}

void tell_cache(partition_ptr self, const fold_result& result) {
  auto& st = self->state;
  if (result.pages.empty() && result.events > 0)
    st.pages.fold_untold(); // They were too many.
  auto news = st.pages.fold(result.pages, st.progress.folded_offset());
  if (news.forget)
    return forget_cached(self);
  std::vector<cache_advance> out;
  for (auto& [page, clicks] : news.moved) // Says nothing but "older goes".
    out.push_back({std::move(page), 0, clicks, 0, {}, {}});
  auto cache = caf::actor_cast<cache_manager_actor>(st.nodes.cache);
  if (!out.empty() && cache)
    self->send(cache, atom::advance_v, st.incarnation, std::move(out));
}

void forget_untold(partition_ptr self) {
  auto& st = self->state;
  forget_cached(self);
  if (!st.config.status->strays_untold)
    return;
  for (uint32_t i = 0; i < st.nodes.partitions.size(); ++i)
    if (auto to = caf::actor_cast<partition_actor>(st.nodes.partitions[i]);
        to && i != st.config.partition)
      self->send(to, atom::forget_v);
}

void renew(partition_ptr self) {
  obey(self, self->state.pages.end_all(), to_nobody);
  forget_cached(self); // What they told meanwhile is not there, or not right.
}

void lack(partition_ptr self) {
  partition_active::doubt(self);
  renew(self);
}

live_pages live(partition_ptr self, uint32_t most) {
  live_pages out;
  out.all = self->state.pages.size();
  out.pages = self->state.pages.newest(most);
  return out;
}

caf::result<page_check> check(partition_ptr self, const std::string& page, page_load& stored) {
  auto& st = self->state;
  if (const auto* slot = st.pages.find(page))
    return self->delegate(st.aggregators[*slot], atom::check_v, std::move(stored));
  return page_check{};
}

void sweep(partition_ptr self) {
  auto& st = self->state;
  st.sweep_set = false;
  obey(self, st.pages.sweep(st.config.steady()), to_nobody);
  if (st.pages.size() > 0 && !std::exchange(st.sweep_set, true))
    self->delayed_send(self, st.config.passivate_after / 4, atom::tick_v, st.progress.claim_no(),
                       caf::atom("sweep"));
}

void reset(partition_ptr self) {
  obey(self, self->state.pages.stop(), to_nobody,
       make_error(errc::store_unavailable, "the partition starts again; ask again in a moment"));
}

void drop_ended(partition_ptr self, const caf::down_msg& down) {
  if (!down.reason)
    return; // Passivated.
  auto& st = self->state;
  for (uint32_t slot = 0; slot < st.aggregators.size(); ++slot)
    if (st.aggregators[slot] && st.aggregators[slot].address() == down.source)
      return obey(self, st.pages.end(slot), to_nobody);
}

void begin(partition_ptr self) {
  auto& st = self->state;
  model::page_table::limits most;
  most.partition = st.config.partition;
  most.live_max = st.config.live_pages_max;
  most.idle_us = std::chrono::microseconds(st.config.passivate_after).count();
  most.loads_at_once = loads_at_once;
  most.tail_max = tail_pages_max;
  st.pages = model::page_table{most};
}

} // namespace footfall::partition_pages
