#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <caf/expected.hpp>

#include "actors/model/access_gate.hpp"
#include "actors/ports/clock.hpp"
#include "actors/ports/metrics.hpp"
#include "actors/ports/request_handler.hpp"
#include "actors/ports/trace_log.hpp"
#include "net/tls/server_certificate.hpp"

namespace footfall {

/// Settings of the gRPC listener. gRPC 1.51 is not hardened for the open internet:
/// every limit here is on, and a public deployment puts a proxy in front.
struct grpc_config {
  std::string bind = "127.0.0.1";
  uint16_t port = 50051;                 ///< 0 takes a free one.
  bool reflection = true;                ///< Clients may ask for the schema.
  uint32_t calls_max = 4096;             ///< Open calls of all connections, streams included.
  uint32_t connections_max = 4096;       ///< Open at once; one more is turned away.
  uint32_t watches_max = 1024;           ///< Open WatchPage streams of all connections.
  uint32_t streams_max = 100;            ///< Open calls of one connection.
  uint64_t memory_bytes_max = 256 << 20; ///< Of gRPC's own buffers.
  int32_t threads_max = 16;              ///< For reflection; our calls need no thread of their own.
  int32_t connection_age_ms = 300'000;   ///< Then the client reconnects; 0: never.
  int32_t connection_age_grace_ms = 600'000;      ///< What calls still open then are given.
  int32_t stop_grace_ms = 5'000;                  ///< What open calls are given by stop().
  const model::access_gate* gate = nullptr;       ///< Who may pass; null: everybody. Outlives it.
  tls::server_certificate* certificate = nullptr; ///< What it shows; null: no TLS. Outlives it.
  trace_log* traces = nullptr; ///< Told what became of calls; null: nobody is. Outlives it.
  now_fn now = system_now_us;
  std::function<void(const std::string&)> report = {}; ///< A line of the library's, now and then.
};

/// The gRPC edge: analytics.AnalyticsService, footfall.v1.Ingest and .Stats,
/// grpc.health.v1 and reflection, in front of a request_handler.
///
/// Calls run on gRPC's own few threads and never block; an answer may come from
/// any thread. A call that is cancelled or too late is forgotten at once, whether
/// or not the handler ever answers it.
class grpc_server {
public:
  /// Listens. `handler` and `counters` must outlive the server.
  /// @returns errc::invalid_argument when it cannot listen there.
  static caf::expected<std::unique_ptr<grpc_server>>
  open(grpc_config config, request_handler& handler, metrics& counters);

  /// Stops.
  ~grpc_server();

  /// The port it listens on.
  uint16_t port() const noexcept;

  /// Calls that hold a place now, streams included. Any thread.
  uint32_t open_calls() const noexcept;

  /// Tells the node's health as it is now, ahead of the next half second.
  void tell_health();

  /// Health turns to NOT_SERVING and streams end with UNAVAILABLE; single calls
  /// are still served. Does not block, may be called twice.
  void drain();

  /// Drains, refuses new calls, gives open ones `stop_grace_ms` and cancels the
  /// rest. Blocks until the handler will not be called again; may be called twice.
  void stop();

private:
  struct impl;
  explicit grpc_server(std::unique_ptr<impl> x);
  std::unique_ptr<impl> impl_;
};

} // namespace footfall
