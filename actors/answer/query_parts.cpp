#include "actors/answer/query_parts.hpp"

#include <algorithm>

#include "actors/answer/query_active.hpp"
#include "actors/answer/query_cache.hpp"
#include "actors/answer/query_names.hpp"
#include "actors/answer/query_reads.hpp"

namespace footfall::query_parts {

namespace {

using open_query = query_state::open_query;

/// Of more users that tie the store finds those that come first by name.
constexpr size_t ties_named_max = 10'000;

/// Whether what memory says of a page is behind what the store has told of it.
bool is_behind(query_ptr self, const query_ask& ask, const std::vector<position>& reached) {
  const auto* told = self->state.told_by_store.find(page_of(ask));
  if (!told)
    return false;
  const auto home = home_of(self, ask);
  return std::none_of(reached.begin(), reached.end(),
                      [&](const position& x) { return x.partition == home && x.offset >= *told; });
}

/// Of answers in one message to another node, unless one alone has more.
constexpr size_t piece_bytes = 256 << 10;

} // namespace

void ask_page(query_ptr self, uint64_t id, open_query& x) {
  auto& st = self->state;
  x.read_us = st.config.steady();
  page_ask ask;
  ask.ticket = id;
  ask.kind = x.ask.kind;
  ask.page = page_of(x.ask);
  ask.user_no = x.user_no;
  ask.limit = x.ask.limit;
  ask.as_of_us = as_of(self, x.ask);
  if (st.nodes.partitions.empty()) {
    fail(self, id, errc::store_unavailable, "the node is starting; ask again in a moment");
    return;
  }
  st.page_asks[home_of(self, x.ask)].push_back(std::move(ask));
  x.page_asked_us = x.read_us;
}

void run(query_ptr self, uint64_t id) {
  auto& st = self->state;
  auto& x = st.open.at(id);
  x.begun_turn = st.turn;
  switch (x.ask.kind) {
  case query_kind::count: {
    x.user_no = user_number(self, x.ask);
    if (x.user_no == 0) {
      st.count_wanted.push_back(id);
      break;
    }
    if (x.ask.after.empty() && is_answered_here(self, x.ask))
      st.lookups.push_back(id);
    else
      ask_page(self, id, x);
    break;
  }
  case query_kind::page:
  case query_kind::users: ask_page(self, id, x); break;
  case query_kind::top_pages: read_top_pages(self, id, x.ask); break;
  case query_kind::series: read_series(self, id, x.ask); break;
  case query_kind::active: ask_active(self, id); break;
  }
}

void take_page(query_ptr self, page_answer& said) {
  auto& st = self->state;
  auto at = st.open.find(said.ticket);
  if (at == st.open.end())
    return;
  auto& x = at->second;
  const auto id = said.ticket;
  x.page_asked_us = 0;
  if (said.code != errc::none) {
    if (!x.watch) // A watch is renewed in a second.
      fail(self, id, said.code, std::move(said.reason));
    return;
  }
  if (said.incarnation != 0 && !is_current(self, x, said.incarnation))
    return;
  // A page that ended, or whose partition died, may say its last behind what the one after
  // it says.
  if (x.watch && said.live && said.clicks < x.told_clicks)
    return;
  const bool too_many = said.rows.size() > x.ask.limit + ties_named_max;
  const bool is_late =
      said.live && x.ask.kind == query_kind::count && is_behind(self, x.ask, said.reached);
  if (!said.live || is_late || (x.ask.kind == query_kind::users && too_many)) {
    if (x.ask.kind == query_kind::count)
      st.count_wanted.push_back(id);
    else if (x.ask.kind == query_kind::users)
      read_users(self, id, x.ask);
    else if (x.watch && x.reading != 0)
      x.read_again = true; // One read after the other: none overtakes another.
    else
      want_page(self, id);
    return;
  }
  query_answer out;
  out.source = said.loaded_now ? answer_source::store : answer_source::actor;
  out.as_of_us = said.as_of_us;
  out.reached = std::move(said.reached);
  // What the partitions said they had applied, they had told the page before.
  raise(out.reached, x.confirmed);
  out.clicks = said.clicks;
  out.users = said.users;
  if (x.ask.kind == query_kind::count) {
    if (said.version != 0) // Before the first click; nobody is told when that comes.
      st.fills.push_back({page_of(x.ask), said.version, out.as_of_us, out.reached, x.user_no,
                          said.clicks, x.read_us});
    finish(self, id, std::move(out));
    return;
  }
  out.minutes = std::move(said.minutes);
  x.reading = 0; // What the store still reads began earlier.
  x.page_wanted = false;
  x.read_again = false;
  name_rows(self, id, x, std::move(out), said.rows);
}

namespace {

// Nobody joins it any more; those who waited for its end begin with this turn's end.
void end_merging(query_ptr self, const std::string& key, uint64_t id) {
  auto& st = self->state;
  auto at = st.merged.find(key);
  if (at == st.merged.end())
    return;
  if (at->second == id)
    st.merged.erase(at);
  else if (std::exchange(st.open.at(at->second).waits, false))
    st.may_begin.push_back(at->second);
}

} // namespace

void finish(query_ptr self, uint64_t id, query_answer answer) {
  auto& st = self->state;
  auto at = st.open.find(id);
  if (at == st.open.end())
    return;
  auto& x = at->second;
  auto& counts = *st.config.counts;
  switch (answer.source) {
  case answer_source::cache: add(counts.queries_from_cache, x.askers.size()); break;
  case answer_source::actor: add(counts.queries_from_actor, x.askers.size()); break;
  case answer_source::store: add(counts.queries_from_store, x.askers.size()); break;
  case answer_source::none: add(counts.queries_failed, x.askers.size()); break;
  }
  answer.node = st.config.node;
  const auto as_of_us = answer.as_of_us;
  for (const auto& who : x.askers) {
    answer.ticket = who.ticket;
    answer.as_of_us = as_of_us;
    if (who.sent_us != 0) // It came later than it was sent: what is said is older, never younger.
      answer.as_of_us =
          who.sent_us + st.config.steady() - who.came_us - (st.config.now() - as_of_us);
    auto to = std::find_if(st.answers.begin(), st.answers.end(),
                           [&](const auto& y) { return y.first == who.from; });
    if (to == st.answers.end())
      to = st.answers.insert(to, {who.from, {}});
    to->second.push_back(answer);
    if (st.config.traces)
      st.config.traces->tell(who.trace, "query", [&] { return summary(x.ask.kind, answer); });
  }
  x.numbers.clear();
  if (x.watch) {
    if (std::exchange(x.read_again, false))
      want_page(self, id);
    return;
  }
  const auto key = std::move(x.merge_key);
  st.open.erase(at);
  if (!key.empty())
    end_merging(self, key, id);
}

void fail(query_ptr self, uint64_t id, errc code, std::string reason) {
  query_answer out;
  out.code = code;
  out.reason = std::move(reason);
  finish(self, id, std::move(out));
}

namespace {

void begin_waiting(query_ptr self) {
  for (auto id : std::exchange(self->state.may_begin, {}))
    if (self->state.open.contains(id))
      run(self, id);
}

size_t bytes_of(const query_answer& x) {
  size_t out = 200 + x.reason.size() + 8 * x.minutes.size() + 16 * x.points.size();
  for (const auto& row : x.rows)
    out += 24 + row.name.size();
  return out;
}

// A message to another node that takes long holds up the link; whoever is silent for too long
// is taken for lost.
void send_answers(query_ptr self, const caf::strong_actor_ptr& to,
                  std::vector<query_answer> answers) {
  const auto gateway = caf::actor_cast<gateway_actor>(to);
  if (to->node() == self->node())
    return self->send(gateway, atom::answered_v, std::move(answers));
  size_t bytes = 0;
  std::vector<query_answer> piece;
  for (auto& x : answers) {
    const auto more = bytes_of(x);
    if (!piece.empty() && bytes + more > piece_bytes) {
      self->send(gateway, atom::answered_v, std::exchange(piece, {}));
      bytes = 0;
    }
    bytes += more;
    piece.push_back(std::move(x));
  }
  self->send(gateway, atom::answered_v, std::move(piece));
}

void send_gathered(query_ptr self) {
  auto& st = self->state;
  if (!st.lookups.empty())
    look_up(self);
  read_counts(self);
  read_pages(self);
  for (auto& [partition, asks] : std::exchange(st.page_asks, {})) {
    auto to = caf::actor_cast<partition_actor>(st.nodes.partitions[partition]);
    if (to) {
      self->send(to, atom::ask_v, std::move(asks));
      continue;
    }
    for (const auto& x : asks)
      fail(self, x.ticket, errc::store_unavailable,
           "the partition of this page is starting; ask again in a moment");
  }
  send_fills(self);
  for (auto& [to, answers] : std::exchange(st.answers, {}))
    send_answers(self, to, std::move(answers));
}

} // namespace

void flush(query_ptr self) {
  do {
    begin_waiting(self);
    send_gathered(self);
  } while (!self->state.may_begin.empty()); // What cannot be sent ends, and others begin.
}

} // namespace footfall::query_parts
