#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "actors/count/ownership.hpp"
#include "actors/count/partition.hpp"
#include "actors/ports/trace_log.hpp"
#include "actors/tend/node_watch.hpp"

namespace footfall {

/// All that the actors of a node need from outside. The ports outlive the node.
struct node_config {
  event_log* log = nullptr;
  store* events = nullptr;
  cache* values = nullptr;
  metrics* counts = nullptr;
  trace_log* traces = nullptr; ///< Where it is told what became of requests; null: nowhere.
  now_fn now;                  ///< Of arrivals, and of what answers say.
  now_fn steady = steady_now;  ///< Of deadlines and durations.
  size_t requests_max = 4096;
  size_t events_max = 200'000;
  std::chrono::milliseconds request_timeout{5000};
  std::chrono::seconds lag_limit{0}; ///< See ingestion_config.
  partition_config partition;        ///< A pattern: the number is filled in.
  /// Told who says it and a line for the log: that the store went back, or is another one, and how
  /// links are; must not block.
  std::function<void(const char* actor, const std::string&)> report;
  int64_t pairs_max = 4'000'000; ///< Users and types of all live pages.
  /// With a name the node is one of a cluster: it has what its lease covers.
  std::string node_name;
  std::string roles = "gateway,ingest,aggregate,query"; ///< All of them, unless in a cluster.
  std::string address, version;                         ///< What other nodes are told.
  /// False: a gateway alone, to which other nodes tell who is there; `events` and `log` are then
  /// what stands for none.
  bool has_store = true;
  bool has_log = true;            ///< False: told_log, for roles that need none.
  std::vector<std::string> seeds; ///< Where a node without a store finds others.
  access_links access;            ///< In a cluster.
  model::ownership_rules ownership;
  peer_links* links = nullptr; ///< To other nodes; null: there are none.
  bool accept_when_stopped = false;
  std::string data_dir; ///< Where log and store are, when both are embedded.
  node_part log_part, store_part, cache_part;
  std::string partitions_hint; ///< What to look at when they apply nothing.
};

} // namespace footfall
