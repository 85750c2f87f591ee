#include "actors/accept/gateway.hpp"

#include <algorithm>

#include "actors/accept/gateway_ingests.hpp"
#include "actors/accept/gateway_queries.hpp"

namespace footfall {

ingest_reply all_rejected(std::vector<click_event>& events, errc code, const std::string& reason,
                          uint32_t retry_after_s) {
  ingest_reply out;
  out.results.resize(events.size());
  for (size_t i = 0; i < events.size(); ++i) {
    auto& x = out.results[i];
    x.status = outcome::rejected;
    x.code = code;
    x.event_id = std::move(events[i].event_id);
    x.reason = reason;
    x.retry_after_s = retry_after_s;
  }
  return out;
}

std::string by_whom(const gateway_state& st, const caf::strong_actor_ptr& at, int64_t took_us) {
  std::string out;
  if (at) {
    const auto& peers = st.routes.peers;
    const auto found = std::find_if(peers.begin(), peers.end(), [&at](const auto& x) {
      return x.query == at || x.ingestion == at;
    });
    out = found == peers.end() ? " by a node that is lost" : " by node " + found->node;
  }
  return out + " in " + milliseconds_text(took_us);
}

namespace {

constexpr auto tick_period = std::chrono::milliseconds(250);

void take_inbox(gateway_ptr self) {
  auto& st = self->state;
  std::vector<gateway_inbox::ingest_item> ingests;
  std::vector<gateway_inbox::query_item> queries;
  std::vector<uint64_t> unwatched;
  st.config.inbox->take(ingests, queries, unwatched);
  const auto now = st.config.steady();
  gateway_ingests::start(self, ingests, now);
  gateway_queries::start(self, queries, now);
  for (auto ticket : unwatched)
    gateway_queries::unwatch(self, ticket);
}

void tick(gateway_ptr self) {
  auto& st = self->state;
  const auto now = st.config.steady();
  st.config.status->gateway_beat_us = now;
  gateway_ingests::expire(self, now);
  gateway_queries::expire(self, now);
  self->delayed_send(self, tick_period, atom::tick_v);
}

void take_routes(gateway_ptr self, page_routes routes) {
  self->state.routes = std::move(routes);
  gateway_ingests::take_routes(self);
  gateway_queries::take_routes(self);
}

void rewire(gateway_ptr self, wiring& nodes) {
  auto& st = self->state;
  if (st.nodes.ingestion && st.nodes.ingestion != nodes.ingestion)
    gateway_ingests::end_those_here(self);
  if (st.nodes.query && st.nodes.query != nodes.query)
    gateway_queries::end_those_here(self);
  // Its links end with it. Who hears of one for the first time may have its routes already.
  if (st.nodes.membership && st.nodes.membership != nodes.membership)
    take_routes(self, {});
  st.nodes = std::move(nodes);
  gateway_ingests::give(self);
  gateway_queries::give(self);
  // Also without them: what waits has a deadline only here.
  st.config.inbox->attach(caf::actor_cast<gateway_actor>(self));
}

std::vector<state_field> describe(gateway_ptr self) {
  const auto& st = self->state;
  return {{"ingests_open", std::to_string(st.ingests.size())},
          {"queries_open", std::to_string(st.queries.size())},
          {"watches", std::to_string(st.watches.size())},
          {"requests", std::to_string(st.next_ticket - 1)}};
}

} // namespace

gateway_state::~gateway_state() {
  gateway_ingests::end_all(*this);
  for (auto* open : {&queries, &watches})
    for (auto& [ticket, x] : *open) {
      x.done(gateway_queries::given_up(*this, x, "the node stops; ask again"));
      config.inbox->finished_query();
    }
}

gateway_actor::behavior_type gateway(gateway_ptr self, gateway_config config) {
  auto& st = self->state;
  st.config = std::move(config);
  st.config.status->finds_ingest = st.config.ingests;
  st.config.status->finds_query = st.config.answers;
  self->entry()->set_state("running");
  self->send(self, atom::tick_v);
  return {
      [self](atom::wake) { take_inbox(self); },
      [self](atom::ingested, std::vector<ingest_answer>& xs) {
        gateway_ingests::take_ingested(self, xs);
      },
      [self](atom::answered, std::vector<query_answer>& xs) {
        gateway_queries::take_answered(self, xs);
      },
      [self](atom::route, page_routes& x) { take_routes(self, std::move(x)); },
      [self](atom::tick) { tick(self); },
      [self](atom::wire, wiring& x) { rewire(self, x); },
      [self](atom::describe) { return describe(self); },
  };
}

} // namespace footfall
