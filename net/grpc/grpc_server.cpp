#include "net/grpc/grpc_server.hpp"

#include <chrono>

#include <absl/synchronization/mutex.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "net/grpc/acceptor.hpp"
#include "net/grpc/credentials.hpp"
#include "net/grpc/health_watch.hpp"
#include "net/grpc/ingest_service.hpp"
#include "net/grpc/library_log.hpp"
#include "net/grpc/reflection_service.hpp"
#include "net/grpc/stats_service.hpp"

namespace footfall {

namespace {

/// The reflection library registers itself with every server of the process when
/// it is linked; this takes it out again where it is not wanted.
class without_reflection final : public grpc::ServerBuilderOption {
public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins, [](const auto& x) {
      return dynamic_cast<grpc::reflection::ProtoServerReflectionPlugin*>(x.get()) != nullptr;
    });
  }
};

void set_limits(grpc::ServerBuilder& builder, const grpc_config& config) {
  builder.SetMaxReceiveMessageSize(limits::body_bytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 8192);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, static_cast<int>(config.streams_max));
  // Our pings find dead clients; theirs may come once in 10 s. Unless told, gRPC sends none
  // without a call and takes one in two hours.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 2);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 300'000);
  if (config.connection_age_ms > 0) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, config.connection_age_ms);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                               config.connection_age_grace_ms);
  }
  // Who connects and says nothing.
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10'000);
  grpc::ResourceQuota quota{"footfall"};
  quota.Resize(config.memory_bytes_max).SetMaxThreads(config.threads_max);
  builder.SetResourceQuota(quota);
  // Only reflection runs on threads of its own.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
}

} // namespace

struct grpc_server::impl {
  explicit impl(rpc::edge_ptr x)
      : edge(std::move(x)), shown(edge->config.certificate), ingest(edge), stats(edge),
        analytics(edge), reflection(edge) {}
  rpc::edge_ptr edge;
  rpc::credentials shown;
  rpc::ingest_service ingest;
  rpc::stats_service stats;
  rpc::analytics_service analytics;
  rpc::reflection_service reflection;
  std::unique_ptr<rpc::acceptor> gate;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> way_in;
  std::unique_ptr<grpc::Server> server;
  std::shared_ptr<rpc::health_watch> health;
  bool stopped = false;
};

caf::expected<std::unique_ptr<grpc_server>>
grpc_server::open(grpc_config config, request_handler& handler, metrics& counters) {
  auto x = std::make_unique<impl>(std::make_shared<rpc::edge>(config, handler, counters));
  auto gate = rpc::acceptor::open(config.bind, config.port);
  if (!gate)
    return std::move(gate.error());
  x->gate = std::move(*gate);
  // Debian builds Abseil with its search for lock cycles on: a third of a call's CPU.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  rpc::tell_library_log(x->edge->config.report);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  set_limits(builder, config);
  if (config.reflection)
    builder.RegisterService(&x->reflection);
  else
    builder.SetOption(std::make_unique<without_reflection>());
  using connections = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
  const auto shown = x->shown.get();
  if (!shown)
    return make_error(errc::internal, "gRPC cannot keep the certificate in memory");
  x->way_in = builder.experimental().AddExternalConnectionAcceptor(connections::FROM_FD, shown);
  builder.RegisterService(&x->ingest);
  builder.RegisterService(&x->stats);
  builder.RegisterService(&x->analytics);
  x->server = builder.BuildAndStart();
  if (!x->server)
    return make_error(errc::internal, "gRPC does not start");
  x->gate->start(x->way_in.get(), config.connections_max, counters);
  x->health =
      rpc::health_watch::start(handler, x->server->GetHealthCheckService(), [parts = x.get()] {
        if (parts->edge->config.gate)
          parts->edge->streams.check();
        parts->shown.refresh();
      });
  return std::unique_ptr<grpc_server>{new grpc_server(std::move(x))};
}

grpc_server::grpc_server(std::unique_ptr<impl> x) : impl_(std::move(x)) {}

grpc_server::~grpc_server() {
  stop();
}

uint16_t grpc_server::port() const noexcept {
  return impl_->gate->port();
}

uint32_t grpc_server::open_calls() const noexcept {
  return impl_->edge->calls.load(std::memory_order_relaxed);
}

void grpc_server::tell_health() {
  impl_->health->tell();
}

void grpc_server::drain() {
  impl_->health->drain();
  impl_->edge->streams.close();
}

void grpc_server::stop() {
  if (impl_->stopped)
    return;
  impl_->stopped = true;
  drain();
  impl_->health->stop();
  impl_->gate->stop();
  impl_->server->Shutdown(std::chrono::system_clock::now()
                          + std::chrono::milliseconds{impl_->edge->config.stop_grace_ms});
  impl_->server->Wait();
  rpc::tell_library_log({});
}

} // namespace footfall
