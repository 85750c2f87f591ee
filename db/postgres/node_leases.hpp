#pragma once

#include <functional>
#include <string>

#include "actors/ports/leases.hpp"
#include "db/postgres/lane.hpp"

namespace footfall::postgres {

/// The leases of the nodes that share a database. What a node says of itself goes by a
/// connection of its own, so that it waits for nothing; others see by the end of that
/// connection that the node has ended. A release goes by the connection that applies, as
/// the one that holds the row.
class node_leases final : public leases {
public:
  using queue_of = std::function<job_queue&(uint32_t partition)>;
  /// @param beats worked off by one lane with session(), so that beats stay in order
  node_leases(std::string log, job_queue& beats, queue_of writes);

  void join(done<int64_t> reply) override;
  void beat(node_beat x, done<beat_answer> reply) override;
  void release(uint32_t partition, owner_id me, int64_t epoch, done<bool> reply) override;
  void mark_stopped(uint32_t partition, owner_id me, int64_t epoch, stop_kind kind, std::string why,
                    done<bool> reply) override;
  void leave(owner_id me, done<bool> reply) override;

  /// Session settings of the connection of the beats.
  static const char* session();

private:
  const std::string log_;
  job_queue& beats_;
  const queue_of writes_;
};

} // namespace footfall::postgres
