#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <caf/expected.hpp>

#include "actors/model/access_gate.hpp"
#include "actors/ports/access_desk.hpp"
#include "actors/ports/clock.hpp"
#include "actors/ports/metrics.hpp"
#include "actors/ports/request_handler.hpp"
#include "actors/ports/trace_log.hpp"
#include "net/tls/server_certificate.hpp"

namespace footfall {

struct http_config {
  std::string bind = "127.0.0.1";       ///< Address of ingest and query.
  std::string admin_bind = "127.0.0.1"; ///< Address of admin.
  uint16_t ingest_port = 0;             ///< 0 takes a free one.
  uint16_t query_port = 0;
  uint16_t admin_port = 0;
  /// Names by which clients call the server, besides localhost and addresses. On a loopback
  /// address others are refused, elsewhere only when there are some.
  std::vector<std::string> hosts = {};
  /// Who may pass at ingest and query, and at admin; null: everybody. They outlive the server.
  const model::access_gate* gate = nullptr;
  const model::access_gate* admin_gate = nullptr;
  access_desk* desk = nullptr; ///< Who changes that; not null where there is a gate.
  /// What is shown to clients; null: they go without TLS. At admin, those of the machine itself
  /// may in any case.
  tls::server_certificate* certificate = nullptr;
  /// Where it is told what became of requests at ingest and query; null: nowhere. Outlives it.
  trace_log* traces = nullptr;
  bool takes_requests = true;   ///< Else there is admin alone.
  bool has_ui = true;           ///< The dashboard is served on the query port.
  uint32_t live_streams = 1000; ///< At once, of /v1/live,
  uint32_t live_topics = 512;   ///< and what they all show together.
  uint32_t connections = 4096;  ///< Of ingest and of query, each; more get 503.
  uint32_t admin_connections = 256;
  /// What has been idle for so long makes room for a connection that is one too many.
  std::chrono::milliseconds makes_room_after{1'000};
  size_t header_bytes = 8 << 10;
  size_t body_bytes = limits::body_bytes;
  std::chrono::milliseconds header_timeout{10'000}; ///< From a request's first byte.
  std::chrono::milliseconds body_grace{10'000};     ///< Then body_rate holds.
  size_t body_rate = 1'000;                         ///< Bytes a second, at least.
  std::chrono::milliseconds idle_timeout{60'000};
  std::chrono::milliseconds write_timeout{10'000};  ///< Without progress.
  std::chrono::milliseconds answer_timeout{60'000}; ///< Longer than the gateway's.
  /// At the admin port, and of an audit at another: it reads the whole store.
  std::chrono::milliseconds admin_answer_timeout{35 * 60'000};
};

/// 0: there is none.
struct http_ports {
  uint16_t ingest = 0;
  uint16_t query = 0;
  uint16_t admin = 0;
};

/// The HTTP edge: three listeners (or admin alone), each with a thread of its own, so that admin
/// answers while the others are overloaded.
class http_server {
public:
  /// Listens at once. `handler` and `counters` must outlive the server.
  static caf::expected<std::unique_ptr<http_server>>
  open(const http_config& config, request_handler& handler, metrics& counters, now_fn now);

  /// Like stop().
  ~http_server();

  http_ports ports() const;

  /// The node is about to drain: all is served, and each answer on ingest and query says that
  /// it is the last of its connection. So no client is left with one that ends under it.
  void say_goodbye();

  /// Takes no more connections on ingest and query, lets those that wait for an
  /// answer have it (with Connection: close) and closes the others. Returns when
  /// none is left, or after `most`. Admin goes on.
  void drain(std::chrono::milliseconds most);

  /// Closes everything and joins the threads. Answers that come later are dropped.
  void stop();

private:
  struct impl;
  explicit http_server(std::unique_ptr<impl> x);
  std::unique_ptr<impl> impl_;
};

} // namespace footfall
