#pragma once

#include <memory>
#include <string>

#include "actors/node.hpp"
#include "db/memory/memory_cache.hpp"
#include "tests/nodes/node_log.hpp"
#include "tests/nodes/node_store.hpp"
#include "tests/support/fake_links.hpp"

namespace footfall::nodes {

/// One process of a node, with its ways to log, store and other nodes. It stays an object
/// when it has ended.
struct process {
  enum class phase : uint8_t {
    running,
    leaving, ///< Asked to: it gives its partitions away, and serves on.
    ending,  ///< Its actors end.
    ended
  };

  process(std::string node, uint64_t no, explorer::chance& luck, const int64_t& time_us,
          explorer::tally& counts, now_fn steady, common_log& records, test::shared_rows& rows,
          test::fake_network& network)
      : name(std::move(node)), address(name + ":" + std::to_string(no)), number(no),
        log_works(luck, time_us, counts), store_works(luck, time_us, counts), way(rows),
        store(way, store_works, steady), log(records, log_works),
        values({size_t{1} << 20, 1000, 1000, 30'000'000, steady}), links(network, name, address) {}

  const std::string name, address;
  const uint64_t number; ///< Among all processes of the run.
  phase at = phase::running;
  bool is_killed = false;  ///< Nobody hears of what it still does.
  bool is_silent = false;  ///< Nothing that its store is asked is done, or answered.
  bool is_frozen = false;  ///< It does nothing, as after SIGSTOP.
  int64_t since_us = 0;    ///< Of the phase, by the steady clock.
  int64_t silent_us = 0;   ///< When that was so last, by the steady clock.
  int64_t frozen_us = 0;   ///< For so long in all; meant while it is not.
  uint64_t kills = 0;      ///< Of its actors, by the run.
  uint64_t query_ends = 0; ///< Of QUERY or GATEWAY, on which watches end.
  std::map<std::string, uint64_t> kills_of; ///< By the actor's name.

  metrics counters;
  explorer::agenda log_works, store_works;
  test::shared_store way;
  node_store store;
  node_log log;
  memory_cache values;
  test::fake_links links;
  node_config plan;
  std::unique_ptr<node> door;
  std::shared_ptr<census> actors; ///< By which they are known.

  bool serves() const { return at == phase::running || at == phase::leaving; }
};

} // namespace footfall::nodes
