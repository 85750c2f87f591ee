#include "net/grpc/call_trace.hpp"

#include <string>

namespace footfall::rpc {

namespace {

constexpr const char* response = "traceresponse";

/// What a node out of space, places or patience says is its client's to wait for.
bool is_own_failure(grpc::StatusCode x) {
  switch (x) {
  case grpc::StatusCode::UNAVAILABLE:
  case grpc::StatusCode::INTERNAL:
  case grpc::StatusCode::UNKNOWN:
  case grpc::StatusCode::DATA_LOSS:
  case grpc::StatusCode::DEADLINE_EXCEEDED: return true;
  default: return false;
  }
}

bool is_refusal(grpc::StatusCode x) {
  return x == grpc::StatusCode::UNAUTHENTICATED || x == grpc::StatusCode::PERMISSION_DENIED;
}

} // namespace

call_trace::call_trace(const char* what, grpc::CallbackServerContext& context)
    : what_(what), context_(context) {
  const auto& given = context.client_metadata();
  const auto found = given.find("traceparent");
  if (found == given.end())
    return;
  const auto theirs = parse_traceparent({found->second.data(), found->second.size()});
  if (!theirs)
    return;
  of_ = next_span(theirs);
  context.AddTrailingMetadata(response, to_string(of_));
}

void call_trace::ends(trace_log* to, const grpc::Status& status) {
  const auto code = status.error_code();
  if (!to || is_refusal(code)) // Whoever is not let in writes nothing to the log.
    return;
  auto text = [&] {
    const auto took = std::chrono::steady_clock::now() - since_;
    return std::string(what_) + ": status " + std::to_string(code) + " in "
           + milliseconds_text(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  };
  if (!is_own_failure(code))
    return to->tell(of_, "grpc", text);
  if (!of_) {
    of_ = next_span({});
    context_.AddTrailingMetadata(response, to_string(of_));
  }
  to->tell_failure(of_, "grpc", text);
}

} // namespace footfall::rpc
