#pragma once

#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "actors/accept/gateway_inbox.hpp"
#include "actors/interfaces.hpp"
#include "actors/ports/clock.hpp"
#include "actors/ports/metrics.hpp"
#include "actors/ports/request_handler.hpp"
#include "actors/ports/trace_log.hpp"
#include "actors/tend/node_status.hpp"
#include "actors/tend/observed.hpp"

namespace footfall {

/// Certainly not stored, each of them.
ingest_reply all_rejected(std::vector<click_event>& events, errc code, const std::string& reason,
                          uint32_t retry_after_s = 0);

struct gateway_config {
  std::shared_ptr<gateway_inbox> inbox;
  metrics* counts = nullptr;
  node_status* status = nullptr;
  now_fn now;                 ///< Of what answers say.
  now_fn steady = steady_now; ///< Of deadlines.
  std::chrono::milliseconds request_timeout{5000};
  bool ingests = true;         ///< Events go to INGESTION here; else to one of another node.
  bool answers = true;         ///< Questions may be asked here; else of other nodes alone.
  trace_log* traces = nullptr; ///< Outlives the actor.
};

/// Invariant: each request taken from the inbox is answered exactly once. While INGESTION or
/// QUERY is about to start again, what comes for it is held: it is known that nobody has it.
/// A question about a page goes to the node that has the page, and is asked here, or of a third
/// node, when that one is lost or knows nothing; events never go a second way.
struct gateway_state {
  static inline const char* name = "gateway";
  ~gateway_state();

  struct open_ingest {
    request_handler::ingest_done done;
    size_t events = 0;
    int64_t since_us = 0;
    trace_context trace = {};
    std::optional<std::vector<click_event>> held; ///< Given to nobody yet.
    /// Ids of events that came without one, by their place: who is told nothing else of them
    /// can send them again.
    std::vector<std::pair<size_t, std::string>> made_ids;
    // The rest where INGESTION of another node has them.
    caf::strong_actor_ptr at;
    int64_t arrived_us = 0;       ///< As node_status::begin_away().
    std::vector<uint64_t> pieces; ///< Tickets of all.
    size_t awaited = 0;           ///< So many of them are not answered yet.
    ingest_reply reply;           ///< Of those that are.
  };
  /// Part of a request, so that no message is too long for a link.
  struct piece {
    uint64_t ticket = 0; ///< Of the request.
    size_t first = 0;    ///< Its first event there.
    size_t events = 0;
  };
  static constexpr auto no_home = std::numeric_limits<uint32_t>::max();
  struct open_query {
    request_handler::query_done done;
    int64_t since_us = 0;
    query_ask ask; ///< As long as it may be given to somebody, perhaps again.
    bool is_watch = false;
    bool held = true;              ///< Nobody has it.
    bool only_here = false;        ///< The node that has the page was asked, in vain.
    caf::strong_actor_ptr at;      ///< QUERY of another node that has it; null: the one here.
    caf::strong_actor_ptr in_vain; ///< Who is not to be asked again.
    uint32_t asked_in_vain = 0;    ///< How many nodes were.
    uint32_t home = no_home;       ///< Partition of the page, where nodes have links.
    int64_t bound_us = 0;          ///< As of then this node had all applied that it acknowledged.
    int64_t again_at_us = 0;  ///< A watch that could not be told: placed again then; 0: it is well.
    uint64_t told_clicks = 0; ///< A watch: the last that it was told, and when.
    int64_t told_us = 0;
  };

  /// What clients were told of a partition's pages from the store. The node that has the
  /// partition may not know yet that it applied that.
  struct told_from_store {
    int64_t below = 0; ///< Records below this offset were in it.
    int64_t at_us = 0; ///< By the steady clock.
  };

  gateway_config config;
  wiring nodes;
  uint64_t next_ticket = 1;
  // Ordered by ticket, and so by age: the oldest are the first to expire.
  std::map<uint64_t, open_ingest> ingests;
  std::map<uint64_t, piece> pieces; ///< By ticket as well.
  /// Events under way, by INGESTION of another node.
  std::map<caf::strong_actor_ptr, size_t> away;
  std::map<uint64_t, open_query> queries;
  std::map<uint64_t, open_query> watches;
  std::vector<uint64_t> held; ///< Tickets of queries.
  page_routes routes;
  std::vector<told_from_store> told; ///< By partition.
  std::mt19937_64 random{std::random_device{}()};
};

/// " by node n2 in 1.3 ms": who answered, INGESTION or QUERY of another node, or null: here.
std::string by_whom(const gateway_state& st, const caf::strong_actor_ptr& at, int64_t took_us);

using gateway_ptr = observed_actor<gateway_actor, gateway_state>*;

gateway_actor::behavior_type gateway(gateway_ptr self, gateway_config config);

} // namespace footfall
