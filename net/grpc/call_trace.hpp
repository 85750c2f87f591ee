#pragma once

#include <chrono>

#include <grpcpp/support/server_callback.h>

#include "actors/ports/trace_log.hpp"

namespace footfall::rpc {

/// By what a call is known to its client: the metadata `traceparent`, with a span of our own, which
/// the trailing metadata `traceresponse` tells. Its end is told to a trace_log. One thread at a
/// time.
class call_trace {
public:
  /// @param what the method, for the log
  call_trace(const char* what, grpc::CallbackServerContext& context);

  const trace_context& of() const noexcept { return of_; }

  /// Right before the call is finished. A call that fails by no fault of its client is given a
  /// trace, if it has none. `to` may be null.
  void ends(trace_log* to, const grpc::Status& status);

private:
  const char* what_;
  grpc::CallbackServerContext& context_;
  trace_context of_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

} // namespace footfall::rpc
