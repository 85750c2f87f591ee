#include "actors/accept/gateway_ingests.hpp"

#include <algorithm>
#include <limits>

#include "actors/model/event_key.hpp"

namespace footfall::gateway_ingests {

namespace {

using open_ingest = gateway_state::open_ingest;

/// So long a request waits for an actor that starts again, or a link. Most are back sooner.
constexpr auto held_most = std::chrono::milliseconds(500);
constexpr uint32_t retry_held_s = 1;
/// Of events in one message to another node.
constexpr size_t piece_bytes = 256 << 10;
/// So that the answer, which may have a reason for each, is not too long either.
constexpr size_t piece_events = 500;

ingest_reply all_unknown(size_t events, const char* reason) {
  ingest_reply out;
  out.results.resize(events);
  for (auto& x : out.results) {
    x.code = errc::timeout;
    x.reason = reason;
  }
  return out;
}

/// The answer of a request that nobody will answer.
ingest_reply given_up(const gateway_state& st, open_ingest& x, const char* reason) {
  if (x.held)
    return all_rejected(*x.held, errc::restarting,
                        st.config.ingests
                            ? "ingestion starts again; nothing was stored; send it again"
                            : "there is no link to a node with the role ingest; nothing was "
                              "stored; send it again",
                        retry_held_s);
  auto out = all_unknown(x.events, reason);
  if (x.awaited > 0) // Some pieces may be answered, and what they say holds.
    for (size_t i = 0; i < x.events; ++i)
      if (x.reply.results[i].status != outcome::unknown || x.reply.results[i].code != errc::none)
        out.results[i] = std::move(x.reply.results[i]);
  return out;
}

// Here alone, as the client is told: the log may confirm later what was answered unknown.
void count_outcomes(metrics& total, const ingest_reply& reply) {
  uint64_t counts[4] = {};
  for (const auto& x : reply.results)
    ++counts[static_cast<size_t>(x.status) & 3];
  add(total.events_accepted, counts[static_cast<size_t>(outcome::accepted)]);
  add(total.events_rejected, counts[static_cast<size_t>(outcome::rejected)]);
  add(total.events_unknown, counts[static_cast<size_t>(outcome::unknown)]);
}

// What another node acknowledged waits until it is applied, as what this one did. Before the
// client hears of it: no answer to a question that is asked later passes over it.
void note_away(gateway_state& st, const open_ingest& x, const ingest_reply& reply) {
  if (!x.at)
    return;
  std::map<uint32_t, std::vector<int64_t>> offsets;
  for (const auto& result : reply.results)
    if (result.status == outcome::accepted)
      offsets[result.pos.partition].push_back(result.pos.offset);
  auto& parts = st.config.status->parts;
  const auto steady = st.config.steady();
  for (auto& [partition, all] : offsets) {
    if (partition >= parts.size())
      continue;
    std::sort(all.begin(), all.end());
    parts[partition].with_backlog([&, &all = all](auto& backlog) {
      for (size_t i = 0, end = 1; i < all.size(); i = end++) { // Others' may stand between.
        while (end < all.size() && all[end] <= all[end - 1] + 1)
          ++end;
        backlog.learn_of_others(all[i], all[end - 1] + 1, x.arrived_us, steady);
      }
    });
  }
  st.config.status->end_away(x.arrived_us);
  if (const auto at = st.away.find(x.at); at != st.away.end() && (at->second -= x.events) == 0)
    st.away.erase(at);
}

// An event that is certainly not stored has no id of ours: sent again it may be given another.
void name_events(const open_ingest& x, ingest_reply& reply) {
  for (const auto& [place, id] : x.made_ids) {
    if (place >= reply.results.size())
      continue;
    auto& result = reply.results[place];
    if (result.status == outcome::unknown)
      result.event_id = id;
    else if (result.status == outcome::rejected)
      result.event_id.clear();
  }
}

void answer(gateway_state& st, open_ingest x, ingest_reply reply) {
  note_away(st, x, reply);
  name_events(x, reply);
  count_outcomes(*st.config.counts, reply);
  if (st.config.traces)
    st.config.traces->tell(x.trace, "gateway", [&] {
      return summary(reply.results) + by_whom(st, x.at, st.config.steady() - x.since_us);
    });
  x.done(std::move(reply));
  st.config.inbox->finished_ingest(x.events);
}

void give_up(gateway_state& st, uint64_t ticket, const char* reason) {
  const auto at = st.ingests.find(ticket);
  auto x = std::move(at->second);
  st.ingests.erase(at);
  for (const auto piece : x.pieces)
    st.pieces.erase(piece);
  auto reply = given_up(st, x, reason);
  answer(st, std::move(x), std::move(reply));
}

/// INGESTION of the linked node that has the fewest events of this one under way, or null. One
/// that drains or has lost the log is taken where there is no other.
caf::strong_actor_ptr choose_other(const gateway_state& st) {
  caf::strong_actor_ptr out;
  std::pair least{true, std::numeric_limits<size_t>::max()};
  for (const auto& peer : st.routes.peers) {
    if (!peer.ingestion)
      continue;
    const auto at = st.away.find(peer.ingestion);
    const std::pair now{!peer.takes_events, at == st.away.end() ? size_t{0} : at->second};
    if (now < least) {
      least = now;
      out = peer.ingestion;
    }
  }
  return out;
}

/// Events on their way to another node, in messages that are not too long for a link.
class parcel {
public:
  parcel(gateway_ptr self, caf::strong_actor_ptr to) : self_(self), to_(std::move(to)) {}

  void put(uint64_t ticket, open_ingest& x) {
    auto& st = self_->state;
    auto events = std::move(*x.held);
    x.held.reset();
    x.at = to_;
    x.arrived_us = st.config.status->begin_away(st.config.now);
    x.reply.results.resize(events.size());
    add(st.config.counts->remote_events, events.size());
    st.away[to_] += events.size();
    bool is_first = true;
    for (size_t i = 0; i < events.size(); ++i) {
      const auto more = bytes_of(events[i]);
      if (bytes_ > 0 && (bytes_ + more > piece_bytes || events_ == piece_events)) {
        flush();
        is_first = true;
      }
      if (std::exchange(is_first, false)) {
        x.pieces.push_back(st.next_ticket);
        ++x.awaited;
        asks_.push_back({st.next_ticket++, {}, x.trace});
        st.pieces[asks_.back().ticket] = {ticket, i, 0};
      }
      ++st.pieces[asks_.back().ticket].events;
      asks_.back().events.push_back(std::move(events[i]));
      bytes_ += more;
      ++events_;
    }
  }
  void flush() {
    bytes_ = events_ = 0;
    if (!asks_.empty())
      self_->send(caf::actor_cast<ingestion_actor>(to_), atom::ingest_v, std::exchange(asks_, {}));
  }

private:
  static size_t bytes_of(const click_event& x) {
    return 64 + x.event_id.size() + x.site_id.size() + x.page_url.size() + x.user_id.size()
           + x.event_type.size();
  }

  gateway_ptr self_;
  caf::strong_actor_ptr to_;
  std::vector<ingest_ask> asks_;
  size_t bytes_ = 0;
  size_t events_ = 0;
};

/// What is held has the highest tickets: it came last.
template <class Open, class Take>
void take_held(Open& open, Take take) {
  auto at = open.end();
  while (at != open.begin() && std::prev(at)->second.held)
    --at;
  for (; at != open.end(); ++at)
    take(at->first, at->second);
}

void give_here(gateway_ptr self) {
  auto& st = self->state;
  auto to = caf::actor_cast<ingestion_actor>(st.nodes.ingestion);
  if (!to)
    return;
  std::vector<ingest_ask> asks;
  take_held(st.ingests, [&asks](uint64_t ticket, open_ingest& x) {
    asks.push_back({ticket, std::move(*x.held), x.trace});
    x.held.reset();
  });
  if (!asks.empty())
    self->send(to, atom::ingest_v, std::move(asks));
}

void give_elsewhere(gateway_ptr self) {
  auto& st = self->state;
  if (st.ingests.empty() || !st.ingests.rbegin()->second.held)
    return;
  const auto to = choose_other(st);
  if (!to)
    return;
  parcel all{self, to};
  take_held(st.ingests, [&all](uint64_t ticket, open_ingest& x) { all.put(ticket, x); });
  all.flush();
}

void take_piece(gateway_state& st, ingest_answer& answered) {
  const auto at = st.pieces.find(answered.ticket);
  if (at == st.pieces.end())
    return; // Its request was answered `unknown` when its time was up.
  const auto piece = at->second;
  st.pieces.erase(at);
  const auto found = st.ingests.find(piece.ticket);
  if (found == st.ingests.end() || answered.results.size() != piece.events)
    return;
  auto& x = found->second;
  std::move(answered.results.begin(), answered.results.end(),
            x.reply.results.begin() + static_cast<ptrdiff_t>(piece.first));
  x.reply.lag_us = std::max(x.reply.lag_us, answered.lag_us);
  if (--x.awaited > 0)
    return;
  auto entry = std::move(x);
  st.ingests.erase(found);
  auto reply = std::move(entry.reply);
  answer(st, std::move(entry), std::move(reply));
}

} // namespace

void start(gateway_ptr self, std::vector<gateway_inbox::ingest_item>& items, int64_t now_us) {
  auto& st = self->state;
  for (auto& item : items) {
    auto& x = st.ingests[st.next_ticket++];
    x.done = std::move(item.done);
    x.events = item.events.size();
    x.since_us = now_us;
    x.trace = item.trace;
    for (size_t i = 0; i < item.events.size(); ++i)
      if (auto& id = item.events[i].event_id; id.empty()) {
        id = model::uuid7(st.config.now() / 1000, st.random(), st.random());
        x.made_ids.emplace_back(i, id);
      }
    x.held = std::move(item.events);
  }
  give(self);
}

void give(gateway_ptr self) {
  if (self->state.config.ingests)
    give_here(self);
  else
    give_elsewhere(self);
}

void take_ingested(gateway_ptr self, std::vector<ingest_answer>& answers) {
  auto& st = self->state;
  for (auto& x : answers) {
    if (!st.config.ingests) {
      take_piece(st, x);
      continue;
    }
    auto at = st.ingests.find(x.ticket);
    if (at == st.ingests.end())
      continue; // It was answered `unknown` when its time was up.
    auto entry = std::move(at->second);
    st.ingests.erase(at);
    answer(st, std::move(entry), {std::move(x.results), x.lag_us});
  }
}

void end_those_here(gateway_ptr self) {
  auto& st = self->state;
  while (st.config.ingests && !st.ingests.empty())
    give_up(st, st.ingests.begin()->first,
            "ingestion was restarted; it may be stored; send it again with the same event_id");
}

void take_routes(gateway_ptr self) {
  auto& st = self->state;
  const auto& peers = st.routes.peers;
  st.config.status->finds_ingest =
      st.config.ingests
      || std::any_of(peers.begin(), peers.end(), [](const auto& x) { return x.ingestion; });
  std::vector<uint64_t> lost;
  for (const auto& [ticket, x] : st.ingests)
    if (x.at && std::none_of(peers.begin(), peers.end(), [&x = x](const auto& y) {
          return y.ingestion == x.at;
        }))
      lost.push_back(ticket);
  for (const auto ticket : lost) {
    const auto& x = st.ingests.at(ticket);
    add(st.config.counts->remote_events_lost,
        static_cast<uint64_t>(
            std::count_if(x.reply.results.begin(), x.reply.results.end(), [](const auto& y) {
              return y.code == errc::none && y.status == outcome::unknown;
            })));
    give_up(st, ticket,
            "the node that took it was lost; it may be stored; send it again with the same "
            "event_id");
  }
  give(self);
}

void expire(gateway_ptr self, int64_t now_us) {
  auto& st = self->state;
  using std::chrono::microseconds;
  const auto most = st.config.request_timeout;
  const bool has_somebody =
      st.config.ingests ? st.nodes.ingestion != nullptr : st.config.status->finds_ingest.load();
  const auto patience = microseconds(has_somebody ? most : std::min(most, held_most)).count();
  while (!st.ingests.empty() && st.ingests.begin()->second.since_us <= now_us - patience)
    give_up(st, st.ingests.begin()->first,
            "no answer in time; it may be stored; send it again with the same event_id");
}

void end_all(gateway_state& st) {
  while (!st.ingests.empty())
    give_up(st, st.ingests.begin()->first,
            "the node stops; it may be stored; send it again with the same event_id");
}

} // namespace footfall::gateway_ingests
