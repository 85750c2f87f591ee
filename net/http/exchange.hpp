#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actors/model/access_gate.hpp"
#include "actors/model/event_json.hpp"
#include "actors/ports/access_desk.hpp"
#include "actors/ports/clock.hpp"
#include "actors/ports/metrics.hpp"
#include "actors/ports/request_handler.hpp"
#include "actors/ports/trace_log.hpp"
#include "net/http/body_stream.hpp"
#include "net/http/query_string.hpp"
#include "net/http/question.hpp"
#include "net/http/request.hpp"
#include "net/http/response.hpp"
#include "net/http/system_view.hpp"

namespace footfall::http {

using completion_value =
    std::variant<ingest_reply, query_answer, node_health, actors_reply, actor_detail, audit_reply,
                 bad_events_reply, redrive_reply, partitions_reply, partition_reply, system_reply,
                 access_reply>;

class endpoint;

/// The slot of answers that are for the endpoint itself, not for a connection.
inline constexpr uint32_t hub_slot = std::numeric_limits<uint32_t>::max();

/// Says which request of which connection an answer belongs to. A connection that
/// is gone, or serves another request by now, is known by the generation.
struct ticket {
  uint32_t slot = 0;
  uint64_t generation = 0;
};

struct completion {
  ticket to;
  completion_value value;
};

/// Answers on their way from any thread to the listener's: one wake-up for all
/// that came since the last turn.
class completion_queue {
public:
  /// `wake` makes the listener's thread call take(); it must not block.
  explicit completion_queue(std::function<void()> wake) : wake_(std::move(wake)) {}

  /// Any thread. After close() the value is dropped.
  void push(completion x);

  /// The listener's thread: swaps what waits into `out`, which must be empty.
  void take(std::vector<completion>& out);

  /// No wake-up begins after this returned.
  void close();

private:
  std::mutex mutex_;
  std::function<void()> wake_;
  std::vector<completion> waiting_;
  bool awake_ = false;
  bool closed_ = false;
};

/// Hands the answer of a request back; a copyable callback for request_handler.
struct completer {
  std::shared_ptr<completion_queue> queue;
  ticket to;
  template <class T>
  void operator()(T value) const {
    queue->push({to, completion_value(std::move(value))});
  }
};

/// What an endpoint remembers of a request while the actors work on it. Its
/// memory is used again by the next one.
struct pending_request {
  endpoint* behind = nullptr; ///< Of a port with several: whose request it is.
  int kind = 0;               ///< Of the endpoint's own making.
  std::string echo;           ///< ingest: the answer behind the id, up to the time.
  std::string time_text;      ///< ingest: as the client gave it.
  /// batch: one for each event; code none: asked for, and `reason` is a warning.
  std::vector<event_result> refused;
  question asked;                    ///< query.
  std::optional<query_answer> first; ///< query: while there is another to wait for.
  std::string text;                  ///< admin: the path; ingest: a warning.
  void clear();
};

/// One request and the way to answer it, exactly once. Belongs to a connection
/// and its listener's thread.
class exchange {
public:
  request* in = nullptr;
  pending_request pending;
  completer done;       ///< For this request only.
  model::principal who; ///< Everybody, where no keys are asked for.
  std::string peer;     ///< The address of the client, or of a proxy.
  response_frame frame;
  std::string* out = nullptr; ///< Responses are appended here.
  metrics* counters = nullptr;
  trace_log* traces = nullptr; ///< Null: failures are told to nobody.
  trace_context trace;         ///< The client's, with a span of our own.
  bool answered = false;
  std::string_view pattern = {}; ///< path_pattern(), where an endpoint changed the target.
  unsigned status = 0;           ///< Of the answer.
  bool is_slow = false;          ///< It may take as long as an audit does.
  std::shared_ptr<body_stream> stream = {}; ///< Set: the answer is its head, and it follows.

  void answer(unsigned code, std::string_view type, std::string_view headers,
              std::string_view body) {
    note(code);
    append_response(*out, frame, code, type, headers, body);
  }
  void refuse(const problem& x);
  void begin_stream(std::string_view type, std::string_view headers,
                    std::shared_ptr<body_stream> body);

private:
  void note(unsigned code);
};

/// What stands behind one port. Called on the listener's thread; must not block.
class endpoint {
public:
  virtual ~endpoint() = default;

  /// A whole request: answers it or passes it on with `x.done`.
  virtual void start(exchange& x) = 0;

  /// What the actors said: answers, or asks them for more with `x.done`.
  virtual void finish(exchange& x, completion_value value) = 0;

  /// What the request takes where keys are asked for.
  virtual model::access_need needs(const request& x) const = 0;

  /// True when start() would refuse the request whatever its body is.
  virtual bool refuses_head(const request& x) const = 0;

  /// An answer that came with hub_slot.
  virtual void told(uint64_t, completion_value) {}

  /// Some times a second.
  virtual void tick() {}
};

std::unique_ptr<endpoint> make_ingest_endpoint(request_handler& handler);
std::unique_ptr<endpoint> make_query_endpoint(request_handler& handler, now_fn now);

struct query_port_config {
  bool has_ui = true;                       ///< The dashboard is served.
  uint32_t streams = 1000;                  ///< Live streams at once,
  uint32_t topics = 512;                    ///< and different topics of them all.
  const model::access_gate* gate = nullptr; ///< Set: streams end with the key that opened them.
  access_desk* desk = nullptr;              ///< Set where there is a gate.
};

/// Queries, the live stream, a look at the node, events and the dashboard.
std::unique_ptr<endpoint> make_query_port(request_handler& handler, const metrics& counts,
                                          const now_fn& now, const query_port_config& config);

std::unique_ptr<endpoint> make_admin_endpoint(request_handler& handler, now_fn now);

/// The usual refusals.
problem not_found(std::string_view what);
problem wrong_method(std::string_view allowed);
problem invalid(std::string detail);

} // namespace footfall::http
