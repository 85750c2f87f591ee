#include "actors/tend/membership_greetings.hpp"

#include "actors/ports/leases.hpp"

namespace footfall {

std::string cleaned(std::string text) {
  constexpr size_t most = 300;
  if (text.size() > most)
    text.resize(most);
  for (auto& x : text)
    if (static_cast<unsigned char>(x) < 0x20 || static_cast<unsigned char>(x) >= 0x7f)
      x = '?';
  return text;
}

peer_hello greeting_of(membership_ptr self) {
  const auto& st = self->state;
  peer_hello out;
  out.node = st.me;
  out.version = st.config.version;
  out.roles = st.config.roles;
  out.log = st.config.log;
  out.membership = caf::actor_cast<caf::strong_actor_ptr>(self);
  if (has_role(out.roles, "query"))
    out.query = st.nodes.query;
  if (has_role(out.roles, "ingest"))
    out.ingestion = st.nodes.ingestion;
  out.inspector = st.nodes.inspector;
  return out;
}

std::string fault_of(const membership_state& st, const peer_hello& x) {
  if (x.links != link_version)
    return "node " + st.me.node + " speaks version " + std::to_string(link_version)
           + " with other nodes (" + st.config.version + "), node " + x.node.node + " version "
           + std::to_string(x.links) + " (" + x.version
           + "); take programs that are one step apart at most";
  const auto& log = st.config.has_store ? st.config.log : st.cluster_log;
  if (x.log != log && !x.log.empty() && !log.empty())
    return "node " + st.me.node + " works on the topic " + log + ", node " + x.node.node + " on "
           + x.log + "; two clusters need addresses of their own";
  if (x.node.node == st.me.node)
    return "both nodes are called " + st.me.node + "; give each a name of its own (--node-name)";
  const auto known = st.peers.find(x.node.node);
  const auto has_name = [](const auto& peer) {
    return (peer.listed && peer.row.seen == sight::live)
           || (peer.at == membership_state::phase::linked && !peer.is_gateway);
  };
  if (st.config.has_store && x.log.empty() && known != st.peers.end() && has_name(known->second))
    return "a node with a database is called " + x.node.node
           + " as well; give the gateway another name (--node-name)";
  return {};
}

bool is_sound(const peer_hello& x) {
  constexpr size_t most = 300;
  const auto& name = x.node.node;
  return !name.empty() && name.size() <= 63 && name == cleaned(name) && x.version.size() <= most
         && x.roles.size() <= most && x.log.size() <= most;
}

} // namespace footfall
