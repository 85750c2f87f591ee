#pragma once

#include <functional>
#include <string>

#include "actors/ports/leases.hpp"
#include "db/postgres/lane.hpp"

namespace footfall::postgres {

/// The leases of the nodes that share a database. What a node says of itself goes by connections
/// of its own, so that it waits for no other work; others see by the end of the one that its last
/// beat went by that the node has ended. There are three: on a network that loses packets one may
/// stand still for several leases, while another is well (docs/adr/0053-a-third-way.md). A
/// release goes by the connection that applies, as the one that holds the row.
class node_leases final : public leases {
public:
  using queue_of = std::function<job_queue&(uint32_t partition)>;
  /// @param beats worked off by lanes with session()
  node_leases(std::string log, job_queue& beats, queue_of writes);

  void join(done<int64_t> reply) override;
  void beat(node_beat x, done<beat_answer> reply) override;
  void release(uint32_t partition, owner_id me, int64_t epoch, done<bool> reply) override;
  void mark_stopped(uint32_t partition, owner_id me, int64_t epoch, stop_kind kind, std::string why,
                    done<bool> reply) override;
  void leave(owner_id me, done<bool> reply) override;

  /// Session settings of the connections of the beats.
  static const char* session();

private:
  const std::string log_;
  job_queue& beats_;
  const queue_of writes_;
};

} // namespace footfall::postgres
