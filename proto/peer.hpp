#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <caf/actor_control_block.hpp>

#include "proto/lease.hpp"
#include "proto/wire.hpp"

namespace footfall {

/// What nodes of one version understand of each other. It rises with each change that an older
/// program could not follow; those of other numbers form no links.
inline constexpr uint32_t link_version = 4;

template <class Inspector>
auto inspect(Inspector& f, owner_id& x) {
  return wire::object(f, "owner_id", x.node, x.incarnation);
}
template <class Inspector>
auto inspect(Inspector& f, partition_owner& x) {
  return wire::object(f, "partition_owner", x.partition, x.owner, x.epoch);
}

/// How two nodes greet each other. This message never changes: whoever has another
/// `link_version` must still be able to read it and to say so.
struct peer_hello {
  uint32_t links = link_version;
  owner_id node;
  std::string version; ///< Of the program, for people.
  std::string roles;   ///< Separated by commas.
  std::string log;     ///< The event log's name; nodes of another one are no peers. Empty: any.
  caf::strong_actor_ptr membership;
  caf::strong_actor_ptr query;     ///< Null while it starts again.
  caf::strong_actor_ptr ingestion; ///< The same.
  caf::strong_actor_ptr inspector; ///< The same.
};
template <class Inspector>
auto inspect(Inspector& f, peer_hello& x) {
  return wire::object(f, "peer_hello", x.links, x.node, x.version, x.roles, x.log, x.membership,
                      x.query, x.ingestion, x.inspector);
}

/// What a node that has no store is told by those that have one, with each of their beats.
struct cluster_news {
  beat_answer seen;
  uint32_t homes = 0;                ///< Partitions that pages live in: those of its start.
  std::vector<int64_t> next_offsets; ///< How far each partition is, as the teller knows it.
};

} // namespace footfall
