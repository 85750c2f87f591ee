#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/types.h>

#include <caf/expected.hpp>

#include "actors/ports/metrics.hpp"

namespace grpc::experimental {
class ExternalConnectionAcceptor;
}

namespace footfall::rpc {

/// Accepts gRPC's connections in its place: gRPC itself knows no most of them, and stops
/// to listen for good when the process has no descriptor left.
class acceptor {
public:
  /// Listens at once; nobody is accepted before start().
  /// @returns errc::invalid_argument when it cannot listen there.
  static caf::expected<std::unique_ptr<acceptor>> open(const std::string& bind, uint16_t port);

  ~acceptor();

  uint16_t port() const { return port_; }

  /// Hands up to `most` connections over to `target`, a server that was started; one
  /// more is closed.
  void start(grpc::experimental::ExternalConnectionAcceptor* target, uint32_t most,
             metrics& counters);

  /// Accepts no more; what was handed over stays. May be called twice.
  void stop();

private:
  acceptor() = default;
  void run();
  void take();
  void refuse_one();
  bool has_room();

  int listener_ = -1;
  int wake_ = -1;    ///< An eventfd that ends the thread.
  int reserve_ = -1; ///< Given up for a moment when descriptors have run out.
  uint16_t port_ = 0;
  grpc::experimental::ExternalConnectionAcceptor* target_ = nullptr;
  uint32_t most_ = 0;
  metrics* counters_ = nullptr;
  /// Descriptor and inode of what was handed over. gRPC closes them without a word: an
  /// entry is over when its descriptor has another inode.
  std::vector<std::pair<int, ino_t>> open_;
  std::thread thread_;
};

} // namespace footfall::rpc
