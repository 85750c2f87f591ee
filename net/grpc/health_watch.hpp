#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include <grpcpp/alarm.h>
#include <grpcpp/health_check_service_interface.h>

#include "actors/ports/request_handler.hpp"

namespace footfall::rpc {

/// Keeps grpc.health.v1 as the node's readiness is: asks the handler twice a
/// second. A handler that does not answer is not ready.
class health_watch : public std::enable_shared_from_this<health_watch> {
public:
  /// `service` belongs to the server, which must outlive stop().
  /// @param also is called as often, on the same thread.
  static std::shared_ptr<health_watch> start(request_handler& handler,
                                             grpc::HealthCheckServiceInterface* service,
                                             std::function<void()> also);

  /// Asks once more, at once. Not after stop().
  void tell();

  /// NOT_SERVING for good. Does not block.
  void drain();

  /// Returns when neither the handler nor the service will be used again.
  void stop();

private:
  health_watch(request_handler& handler, grpc::HealthCheckServiceInterface* service,
               std::function<void()> also)
      : handler_(handler), service_(service), also_(std::move(also)) {}

  void ask();
  void answer(const node_health& x);
  void arm();

  request_handler& handler_;
  grpc::HealthCheckServiceInterface* service_;
  std::function<void()> also_;
  std::mutex mutex_;
  std::condition_variable idle_;
  grpc::Alarm alarm_;
  bool asking_ = false;  // the handler is being called
  bool answered_ = true; // the last question was answered
  bool draining_ = false;
  bool stopped_ = false;
};

} // namespace footfall::rpc
