#pragma once

#include <memory>
#include <string>

#include <grpcpp/security/server_credentials.h>

#include "net/tls/server_certificate.hpp"

namespace footfall::rpc {

/// What gRPC shows to its clients. It reads its certificate from a path again and again; this
/// gives it one in memory, which holds what the other listeners show: files that are broken for
/// a while do no harm, and a key is nowhere written.
class credentials {
public:
  /// `certificate` outlives it; null: without TLS.
  explicit credentials(tls::server_certificate* certificate);
  ~credentials();
  credentials(const credentials&) = delete;
  credentials& operator=(const credentials&) = delete;

  /// Null when the system gives no memory for it.
  std::shared_ptr<grpc::ServerCredentials> get() const;

  /// Takes over what changed. Some times a second; one thread.
  void refresh();

private:
  tls::server_certificate* certificate_;
  int file_ = -1;
  std::string written_;
};

} // namespace footfall::rpc
