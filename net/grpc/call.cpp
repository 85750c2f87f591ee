#include "net/grpc/call.hpp"

namespace footfall::rpc {

grpc::Status no_place(const edge& x) {
  return status_of(errc::overloaded,
                   "too many open calls (grpc calls_max = " + std::to_string(x.config.calls_max)
                       + "); wait and send it again");
}

std::shared_ptr<unary_call> unary_call::start(edge_ptr edge, grpc::CallbackServerContext* context,
                                              grpc::ByteBuffer* response) {
  std::shared_ptr<unary_call> call{new unary_call(std::move(edge), context, response)};
  call->self_ = call;
  if (!call->admitted())
    call->refuse(no_place(*call->place_));
  return call;
}

void unary_call::refuse(grpc::Status status) {
  if (claim())
    Finish(std::move(status));
}

} // namespace footfall::rpc
