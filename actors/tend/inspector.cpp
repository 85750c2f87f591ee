#include "actors/tend/inspector.hpp"

#include <algorithm>

#include "actors/model/actor_rows.hpp"

namespace footfall {

namespace {

constexpr auto patience = std::chrono::milliseconds(1000);
/// The other one waits for its actor as well.
constexpr auto remote_patience = std::chrono::milliseconds(1500);
constexpr int64_t rate_over_us = 1'000'000;

actor_row row_of(inspector_ptr self, const actor_entry& x, int64_t now) {
  auto& st = self->state;
  auto texts = x.read();
  actor_row out;
  out.node = st.config.node;
  out.id = x.id;
  out.parent = x.parent;
  out.name = x.name;
  out.processed = x.processed.load(std::memory_order_relaxed);
  const auto enqueued = x.enqueued.load(std::memory_order_relaxed);
  out.mailbox = enqueued > out.processed ? enqueued - out.processed : 0;
  out.restarts = st.config.restarts ? st.config.restarts(x.name, texts.key) : 0;
  out.key = std::move(texts.key);
  out.state = std::move(texts.state);
  out.last_error = std::move(texts.error);
  auto [at, fresh] = st.samples.try_emplace(x.id);
  auto& last = at->second;
  if (fresh) {
    last = {out.processed, now, 0};
  } else if (now - last.at_us >= rate_over_us) {
    const auto more = out.processed - last.processed;
    last = {out.processed, now, more * 1'000'000'000 / static_cast<uint64_t>(now - last.at_us)};
  }
  out.rate_milli = last.rate_milli;
  return out;
}

/// The actors here, as far as they are asked for.
actors_reply list_here(inspector_ptr self, const actors_ask& ask) {
  auto& samples = self->state.samples;
  const auto now = self->state.config.steady();
  std::vector<actor_row> rows;
  auto next = samples.begin();
  for (const auto& x : actor_directory::get().snapshot()) {
    while (next != samples.end() && next->first < x->id)
      next = samples.erase(next); // That actor is gone.
    rows.push_back(row_of(self, *x, now));
    next = samples.upper_bound(x->id);
  }
  samples.erase(next, samples.end());
  actors_reply out;
  out.rows = model::choose_actors(rows, ask, out.total);
  return out;
}

void add_rows(actors_reply& to, actors_reply& from) {
  to.total += from.total;
  std::move(from.rows.begin(), from.rows.end(), std::back_inserter(to.rows));
}

caf::strong_actor_ptr inspector_of(const inspector_state& st, const std::string& node) {
  for (const auto& x : st.peers)
    if (x.node == node)
      return x.inspector;
  return nullptr;
}

/// Of all nodes that this one knows, or of the one that is asked for, those that can be asked;
/// the others are noted with the reason.
std::map<caf::strong_actor_ptr, std::string> whom_to_ask(const inspector_state& st,
                                                         const actors_ask& ask, actors_reply& out) {
  std::map<caf::strong_actor_ptr, std::string> all;
  if (st.config.node.empty() || !st.config.status)
    return all;
  for (const auto& x : st.config.status->links()) {
    if (!ask.node.empty() && x.node != ask.node)
      continue;
    out.nodes.push_back({x.node, {}});
    if (auto to = inspector_of(st, x.node))
      all.emplace(std::move(to), x.node);
    else
      out.nodes.back().fault = "there is no link to it" + (x.why.empty() ? x.why : ": " + x.why);
  }
  return all;
}

caf::result<actors_reply> list(inspector_ptr self, const actors_ask& ask) {
  auto& st = self->state;
  actors_reply out;
  if (ask.node.empty() || ask.node == st.config.node) {
    out = list_here(self, ask);
    if (!st.config.node.empty())
      out.nodes.push_back({st.config.node, {}});
  }
  auto others = whom_to_ask(st, ask, out);
  if (!ask.node.empty() && out.nodes.empty()) {
    out.code = errc::not_found;
    out.reason = "no node is called " + ask.node + "; /cluster lists those that there are";
    return out;
  }
  if (others.empty())
    return out;
  const auto number = st.next_number++;
  auto& open = st.lists[number];
  open.promise = self->make_response_promise<actors_reply>();
  open.reply = std::move(out);
  open.awaited = std::move(others);
  auto local = ask;
  local.node.clear();
  for (const auto& [to, node] : open.awaited)
    self->send(caf::actor_cast<inspector_actor>(to), atom::list_v, number, local);
  self->delayed_send(self, patience, atom::late_v, number);
  return open.promise;
}

void take_listed(inspector_ptr self, uint64_t number, actors_reply& from) {
  auto& st = self->state;
  const auto at = st.lists.find(number);
  if (at == st.lists.end() || at->second.awaited.erase(self->current_sender()) == 0)
    return; // It came too late.
  add_rows(at->second.reply, from);
  if (!at->second.awaited.empty())
    return;
  at->second.promise.deliver(std::move(at->second.reply));
  st.lists.erase(at);
}

void take_late(inspector_ptr self, uint64_t number) {
  auto& st = self->state;
  if (const auto at = st.lists.find(number); at != st.lists.end()) {
    auto& [promise, reply, awaited] = at->second;
    for (const auto& [to, name] : awaited)
      for (auto& node : reply.nodes)
        if (node.name == name)
          node.fault = "it did not answer within a second";
    promise.deliver(std::move(reply));
    st.lists.erase(at);
  }
  if (const auto at = st.details.find(number); at != st.details.end()) {
    actor_detail out;
    out.code = errc::timeout;
    out.reason = "the node did not answer within a second; ask again";
    at->second.deliver(std::move(out));
    st.details.erase(at);
  }
}

size_t bytes_of(const actors_reply& x) {
  size_t out = 0;
  for (const auto& row : x.rows)
    out += 96 + row.node.size() + row.name.size() + row.key.size() + row.state.size()
           + row.last_error.size();
  return out;
}

/// As many of the first as a message may have: one that takes long holds up the link.
actors_reply list_piece(inspector_ptr self, actors_ask ask) {
  constexpr size_t most = 256 << 10;
  auto out = list_here(self, ask);
  while (bytes_of(out) > most && ask.limit > 1) {
    const auto shown = std::min<size_t>(ask.limit, out.rows.size());
    ask.limit = static_cast<uint32_t>(std::max<size_t>(shown * most / bytes_of(out), 1));
    ask.limit =
        std::min<uint32_t>(ask.limit, static_cast<uint32_t>(std::max<size_t>(shown - 1, 1)));
    out = list_here(self, ask);
  }
  return out;
}

// Every actor of ours answers `describe`.
using described_actor = caf::typed_actor<rpc<std::vector<state_field>(atom::describe)>>;

/// `done` is called once, with what the actor says of itself.
template <class Done>
void describe_here(inspector_ptr self, uint64_t id, Done done) {
  auto entry = actor_directory::get().find(id);
  auto target = entry ? entry->handle.lock() : nullptr;
  actor_detail out;
  if (!target) {
    out.code = errc::not_found;
    out.reason = "no such actor runs; /actors lists those that do";
    return done(std::move(out));
  }
  out.row = row_of(self, *entry, self->state.config.steady());
  if (id == self->id())
    return done(std::move(out));
  self->request(caf::actor_cast<described_actor>(target), patience, atom::describe_v)
      .then(
          [done, out](std::vector<state_field>& fields) mutable {
            out.fields = std::move(fields);
            done(std::move(out));
          },
          [done, out](const caf::error& why) mutable {
            out.row.last_error = "it did not answer within a second: " + text_of(why);
            done(std::move(out));
          });
}

caf::result<actor_detail> describe(inspector_ptr self, const std::string& node, uint64_t id) {
  auto& st = self->state;
  if (node.empty() || node == st.config.node) {
    auto promise = self->make_response_promise<actor_detail>();
    describe_here(self, id, [promise](actor_detail x) mutable { promise.deliver(std::move(x)); });
    return promise;
  }
  const auto to = caf::actor_cast<inspector_actor>(inspector_of(st, node));
  if (!to) {
    actor_detail out;
    out.code = errc::not_found;
    out.reason = "there is no link to a node called " + node + "; /cluster lists them";
    return out;
  }
  const auto number = st.next_number++;
  auto promise = self->make_response_promise<actor_detail>();
  st.details.emplace(number, promise);
  self->send(to, atom::describe_v, number, id);
  self->delayed_send(self, remote_patience, atom::late_v, number);
  return promise;
}

} // namespace

inspector_actor::behavior_type inspector(inspector_ptr self, inspector_config config) {
  self->state.config = std::move(config);
  self->entry()->set_state("running");
  return {
      [self](atom::list, const actors_ask& x) { return list(self, x); },
      [self](atom::describe, const std::string& node, uint64_t id) {
        return describe(self, node, id);
      },
      [self](atom::list, uint64_t number, const actors_ask& x) {
        auto out = list_piece(self, x);
        if (auto to = caf::actor_cast<inspector_actor>(self->current_sender()))
          self->send(to, atom::listed_v, number, std::move(out));
      },
      [self](atom::listed, uint64_t number, actors_reply& x) { take_listed(self, number, x); },
      [self](atom::describe, uint64_t number, uint64_t id) {
        if (auto to = caf::actor_cast<inspector_actor>(self->current_sender()))
          describe_here(self, id, [self, to, number](actor_detail x) {
            self->send(to, atom::described_v, number, std::move(x));
          });
      },
      [self](atom::described, uint64_t number, actor_detail& x) {
        auto& all = self->state.details;
        if (const auto at = all.find(number); at != all.end()) {
          at->second.deliver(std::move(x));
          all.erase(at);
        }
      },
      [self](atom::route, page_routes& x) { self->state.peers = std::move(x.peers); },
      [self](atom::late, uint64_t number) { take_late(self, number); },
      [self](atom::describe) -> std::vector<state_field> {
        return {{"actors_seen", std::to_string(self->state.samples.size())}};
      },
  };
}

} // namespace footfall
