#include "actors/tend/membership_routes.hpp"

namespace footfall {

namespace {

using phase = membership_state::phase;

/// QUERY of the node that has a partition, as far as there is a link to that very process.
caf::strong_actor_ptr query_for(const membership_state& st, uint32_t partition) {
  const auto& owner = st.owners.owner_of(partition);
  const auto at = st.peers.find(owner.node);
  const bool is_linked = at != st.peers.end() && at->second.at == phase::linked
                         && at->second.hello.node.incarnation == owner.incarnation;
  return is_linked ? at->second.hello.query : nullptr;
}

} // namespace

void show(membership_ptr self) {
  auto& st = self->state;
  std::vector<link_status> all;
  for (const auto& [name, x] : st.peers)
    all.push_back({name, x.at == phase::linked, x.since_us, x.why, x.hello.node.incarnation,
                   x.hello.roles, x.hello.version});
  if (all.empty())
    for (const auto& x : st.seeds)
      if (!x.why.empty())
        all.push_back({x.address, false, 0, x.why});
  st.config.status->set_links(std::move(all));
}

void publish(membership_ptr self) {
  auto& st = self->state;
  show(self);
  page_routes routes;
  for (uint32_t i = 0; i < st.owners.size(); ++i)
    routes.queries.push_back(query_for(st, i));
  const bool knows_all = st.config.has_store || st.config.status->homes() != 0;
  for (const auto& [name, x] : st.peers)
    if (x.at == phase::linked && knows_all)
      routes.peers.push_back({name, x.hello.query, x.hello.ingestion, x.hello.inspector,
                              !x.row.draining && x.row.log == log_reach::works});
  if (!st.config.has_store)
    routes.homes = st.config.status->homes();
  if (routes == st.routes)
    return;
  st.routes = routes; // Of whoever of them is missing now, rewire() hears when it is back.
  if (auto shows = caf::actor_cast<inspector_actor>(st.nodes.inspector))
    self->send(shows, atom::route_v, routes);
  if (auto answers = caf::actor_cast<query_actor>(st.nodes.query))
    self->send(answers, atom::route_v, routes);
  if (auto to = caf::actor_cast<gateway_actor>(st.nodes.gateway))
    self->send(to, atom::route_v, std::move(routes));
}

} // namespace footfall
