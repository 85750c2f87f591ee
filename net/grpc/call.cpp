#include "net/grpc/call.hpp"

namespace footfall::rpc {

grpc::Status no_place(const edge& x) {
  return status_of(errc::overloaded,
                   "too many open calls (grpc calls_max = " + std::to_string(x.config.calls_max)
                       + "); wait and send it again");
}

grpc::Status check_key(const edge& x, const grpc::ServerContextBase& context,
                       model::access_need need, model::principal& who) {
  if (!x.config.gate)
    return grpc::Status::OK;
  const auto& given = context.client_metadata();
  const auto found = given.find("authorization");
  const auto text = found == given.end()
                        ? std::string_view{}
                        : std::string_view{found->second.data(), found->second.size()};
  const auto bearer = model::bearer_of(text);
  if (bearer.empty() && !text.empty())
    return status_of(model::access_denial::malformed, need);
  auto checked = x.config.gate->check({bearer}, need, x.config.now());
  who = std::move(checked.who);
  return status_of(checked.why, need);
}

grpc::Status charge(const model::principal& who, uint64_t amount) {
  return who.take(amount, steady_now()).taken
             ? grpc::Status::OK
             : status_of(model::access_denial::rate, model::access_need::nothing);
}

grpc::Status keep_to_its_site(const model::principal& who, std::string& site) {
  return who.covers(site) ? grpc::Status::OK
                          : status_of(model::access_denial::site, model::access_need::nothing);
}

grpc::Status still_holds(const edge& x, const model::principal& who) {
  return !x.config.gate || x.config.gate->still_holds(who.id(), x.config.now())
             ? grpc::Status::OK
             : status_of(model::access_denial::revoked, model::access_need::nothing);
}

std::shared_ptr<unary_call> unary_call::start(edge_ptr edge, const char* what,
                                              grpc::CallbackServerContext* context,
                                              grpc::ByteBuffer* response) {
  std::shared_ptr<unary_call> call{new unary_call(std::move(edge), what, context, response)};
  call->self_ = call;
  if (!call->admitted())
    call->refuse(no_place(*call->place_));
  return call;
}

void unary_call::refuse(grpc::Status status) {
  if (claim())
    finish(std::move(status));
}

void unary_call::finish(grpc::Status status) {
  trace_.ends(place_->config.traces, status);
  Finish(std::move(status));
}

} // namespace footfall::rpc
