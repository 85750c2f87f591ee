#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proto/applied.hpp"
#include "proto/audit.hpp"
#include "proto/bad_event.hpp"
#include "proto/partition.hpp"
#include "proto/query.hpp"

namespace footfall {

/// What the answer to an ingest request holds.
struct ingest_reply {
  std::vector<event_result> results; ///< One for each event, in request order.
  int64_t lag_us = 0;                ///< Of the partition of an accepted one, the greatest.
};

/// A node of a cluster, as the store told it last.
struct cluster_member {
  std::string name;
  int64_t incarnation = 0; ///< Of its process.
  bool self = false;
  std::string state; ///< "live", "late" or "gone".
  bool aggregates = true;
  bool draining = false;
  std::string log; ///< "works", "fails" or "lost".
  std::vector<uint32_t> partitions;
  std::string roles = {};      ///< Separated by commas.
  std::string address = {};    ///< Where other nodes dial it.
  std::string version = {};    ///< Of its program.
  std::string link = {};       ///< "up" or "down", from the node that is asked; empty: to itself.
  std::string link_fault = {}; ///< Why it is down, as far as it is known.
};

/// Liveness and readiness, for /healthz and /readyz.
struct node_health {
  bool live = true;
  bool ready = false;
  bool draining = false;
  /// Role or part, and "ok" or what is wrong.
  std::vector<std::pair<std::string, std::string>> roles;
  std::vector<int64_t> lags_us; ///< Of each partition.
  /// The same of log, store and cache. Without its cache a node is ready all the same.
  std::vector<std::pair<std::string, std::string>> dependencies;

  std::vector<cluster_member> members; ///< Empty when the node is alone.
  std::vector<uint32_t> unowned;       ///< Partitions that none of them has.

  /// What keeps `role` from its work, by name: the gateway, the role itself, the drain.
  std::vector<std::pair<std::string, std::string>> faults_of(const std::string& role) const;
};

/// The roles that may be asked for by themselves.
inline constexpr const char* role_names[] = {"gateway", "ingest", "aggregate", "query"};

struct actors_reply {
  errc code = errc::none; ///< none: the rows are valid.
  std::string reason;
  std::vector<actor_row> rows;   ///< What model::choose_actors() gave, node by node.
  uint64_t total = 0;            ///< So many match, whatever the limit.
  std::vector<asked_node> nodes; ///< In a cluster.
};

struct actor_detail {
  errc code = errc::none; ///< none: the rest is valid.
  std::string reason;
  actor_row row;
  std::vector<state_field> fields;
};

struct bad_events_reply {
  errc code = errc::none; ///< none: the page is valid.
  std::string reason;
  bad_event_page page;
};

struct partitions_reply {
  errc code = errc::none; ///< none: the rest is valid.
  std::string reason;
  std::vector<partition_row> rows;
  std::string data_dir; ///< Of an embedded node, for its backup; empty elsewhere.
};

/// What HTTP and gRPC call, and the gateway stands behind.
///
/// No call blocks. Each `done` runs exactly once, on any thread, perhaps before
/// the call returns; it must not block. Deadlines are kept by the gateway: the
/// answer to a late request is errc::timeout (events: outcome::unknown).
class request_handler {
public:
  using ingest_done = std::function<void(ingest_reply)>;
  using query_done = std::function<void(query_answer)>;
  template <class T>
  using reply = std::function<void(T)>;

  virtual ~request_handler() = default;

  /// Events of one client request, already parsed. Beyond the in-flight cap all
  /// are `rejected` with errc::overloaded at once.
  virtual void ingest(std::vector<click_event> events, ingest_done done,
                      const trace_context& trace = {}) = 0;

  /// `ticket` and `deadline_us` are set by the gateway.
  virtual void query(query_ask ask, query_done done) = 0;

  /// The page now, and each time it changed, until the returned token is
  /// destroyed. `update` gets an answer with an error code as its last call when
  /// the watch ends for another reason.
  virtual std::shared_ptr<void> watch(std::string site_id, std::string page_url,
                                      query_done update) = 0;

  virtual void health(reply<node_health> done) = 0;
  virtual void actors(actors_ask ask, reply<actors_reply> done) = 0;
  /// @param node empty: this one.
  virtual void actor(std::string node, uint64_t id, reply<actor_detail> done) = 0;
  /// One at a time.
  virtual void audit(audit_ask ask, reply<audit_reply> done) = 0;
  virtual void bad_events(bad_events_ask ask, reply<bad_events_reply> done) = 0;
  /// Appends bad events that are events by today's rules to the log again. Events keep
  /// their ids, so that nothing counts twice however often this is repeated.
  virtual void redrive(redrive_ask ask, reply<redrive_reply> done) = 0;
  /// What became of the events at these positions when they were applied. At once.
  virtual applied_counts applied(const position_range& range) const = 0;
  /// How each partition is, and what the log holds of it now.
  virtual void partitions(reply<partitions_reply> done) = 0;
  /// Has a stopped partition go on at an offset; the records before it are written down
  /// as one bad event.
  virtual void skip(uint32_t partition, int64_t to, reply<partition_reply> done) = 0;
  /// Counts the log from its beginning, as another one than before: event ids still count
  /// once. Only while a partition is stopped.
  virtual void new_generation(reply<partition_reply> done) = 0;
  /// Prometheus text, format 0.0.4.
  virtual std::string metrics() = 0;
};

} // namespace footfall
