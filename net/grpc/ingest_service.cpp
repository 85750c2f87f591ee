#include "net/grpc/ingest_service.hpp"

#include "net/grpc/call.hpp"
#include "net/grpc/convert.hpp"
#include "net/grpc/event_stream.hpp"

namespace footfall::rpc {

namespace {

void answer(unary_call& call, const event_batch& batch) {
  if (!call.claim())
    return;
  auto status = status_of(batch.results);
  if (!status.ok())
    return call.finish(std::move(status));
  v1::PostEventsResponse response;
  to_message(batch.results, response);
  call.finish(response);
}

} // namespace

grpc::ServerUnaryReactor* ingest_service::PostEvents(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  auto call = unary_call::start(edge_, "PostEvents", context, response);
  if (!call->admitted())
    return call.get();
  v1::PostEventsRequest message;
  auto batch = std::make_shared<event_batch>();
  model::principal who;
  if (auto denied = check_key(*edge_, *context, model::access_need::ingest, who); !denied.ok()) {
    call->refuse(std::move(denied));
  } else if (!read_message(*request, message)) {
    call->refuse(unreadable<v1::PostEventsRequest>());
  } else if (denied = admit(who, message); !denied.ok()) {
    call->refuse(std::move(denied));
  } else if (auto bad = to_batch(message, *batch)) {
    call->refuse(status_of(bad));
  } else if (batch->events.empty()) {
    answer(*call, *batch);
  } else {
    auto events = std::move(batch->events);
    edge_->handler.ingest(
        std::move(events),
        [call, batch](ingest_reply reply) {
          merge(*batch, std::move(reply.results));
          answer(*call, *batch);
        },
        call->trace());
  }
  return call.get();
}

grpc::ServerReadReactor<grpc::ByteBuffer>*
ingest_service::StreamEvents(grpc::CallbackServerContext* context, grpc::ByteBuffer* response) {
  return event_stream::start(edge_, *context, response);
}

} // namespace footfall::rpc
