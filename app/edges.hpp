#pragma once

#include <chrono>
#include <memory>

#include "app/front_door.hpp"
#include "app/ready_file.hpp"
#include "app/settings.hpp"
#include "net/grpc/grpc_server.hpp"
#include "net/http/http_server.hpp"

namespace footfall::app {

/// The listeners, in front of whatever the door leads to. Without the role `gateway` there is
/// admin alone. With a certificate all speak TLS; at admin, who asks from the machine itself may do
/// without, as health checks and scrapers know no name there that a certificate could have.
class edges {
public:
  /// Listens at once. All that it is given outlives it.
  caf::error open(const settings& options, front_door& door, metrics& counts, trace_log& traces,
                  const model::access_gate& gate, access_desk& desk);

  ready_addresses addresses(const settings& options) const;

  /// Clients of gRPC that watch the health hear of it now.
  void tell_health();

  /// As http_server::say_goodbye().
  void say_goodbye();
  /// As http_server::drain().
  void drain(std::chrono::seconds most);
  void stop();

private:
  caf::error read_certificate(const settings& options);

  std::unique_ptr<tls::server_certificate> certificate_; ///< Null: clients go without TLS.
  std::unique_ptr<http_server> http_;
  std::unique_ptr<grpc_server> grpc_; ///< Null: there is none.
};

} // namespace footfall::app
