#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include <absl/container/flat_hash_map.h>

#include "actors/interfaces.hpp"
#include "actors/ports/clock.hpp"
#include "actors/ports/metrics.hpp"
#include "actors/ports/request_handler.hpp"
#include "actors/tend/node_status.hpp"
#include "actors/tend/observed.hpp"

namespace footfall {

/// Where threads of HTTP and gRPC leave their requests. The gateway is woken once
/// for all that gathered, not once for each.
class gateway_inbox {
public:
  struct ingest_item {
    std::vector<click_event> events;
    request_handler::ingest_done done;
  };
  struct query_item {
    query_ask ask;
    request_handler::query_done done;
    bool watch = false;
  };

  /// @param requests_max in-flight requests of each kind; @param events_max events.
  gateway_inbox(size_t requests_max, size_t events_max)
      : requests_max_(requests_max), events_max_(events_max) {}

  enum class answer { taken, full, closed };

  /// `item` is untouched unless taken.
  answer put(ingest_item& item);
  answer put(query_item& item);
  void put_unwatch(uint64_t ticket);

  /// What waits; the caller owns it then, and says `finished` for each later.
  void take(std::vector<ingest_item>& ingests, std::vector<query_item>& queries,
            std::vector<uint64_t>& unwatched);
  void finished_ingest(size_t events);
  void finished_query();

  size_t in_flight() const;

  /// Nothing more is taken, and nobody woken. The caller answers what waited, as after take().
  void close(std::vector<ingest_item>& ingests, std::vector<query_item>& queries);

  /// Who to wake; a null handle lets requests wait until there is one.
  void attach(gateway_actor gateway);

private:
  void wake(std::unique_lock<std::mutex>& lock);

  const size_t requests_max_;
  const size_t events_max_;
  mutable std::mutex mutex_;
  gateway_actor gateway_;
  std::vector<ingest_item> ingests_;
  std::vector<query_item> queries_;
  std::vector<uint64_t> unwatched_;
  bool woken_ = false;
  bool closed_ = false;
  size_t ingests_open_ = 0;
  size_t queries_open_ = 0;
  size_t events_open_ = 0;
};

/// Certainly not stored, each of them.
ingest_reply all_rejected(std::vector<click_event>& events, errc code, const std::string& reason,
                          uint32_t retry_after_s = 0);

struct gateway_config {
  std::shared_ptr<gateway_inbox> inbox;
  metrics* counts = nullptr;
  node_status* status = nullptr;
  now_fn steady = steady_now;
  std::chrono::milliseconds request_timeout{5000};
};

/// Invariant: each request taken from the inbox is answered exactly once. While INGESTION or
/// QUERY is about to start again, what comes for it is held: it is known that nobody has it.
struct gateway_state {
  static inline const char* name = "gateway";
  ~gateway_state();

  struct open_ingest {
    request_handler::ingest_done done;
    size_t events = 0;
    int64_t since_us = 0;
    std::optional<std::vector<click_event>> held; ///< Given to nobody yet.
  };
  struct open_query {
    request_handler::query_done done;
    int64_t since_us = 0;
    std::optional<query_ask> held; ///< Given to nobody yet.
  };

  gateway_config config;
  wiring nodes;
  uint64_t next_ticket = 1;
  // Ordered by ticket, and so by age: the oldest are the first to expire.
  std::map<uint64_t, open_ingest> ingests;
  std::map<uint64_t, open_query> queries;
  std::map<uint64_t, open_query> watches;
};

using gateway_ptr = observed_actor<gateway_actor, gateway_state>*;

gateway_actor::behavior_type gateway(gateway_ptr self, gateway_config config);

} // namespace footfall
