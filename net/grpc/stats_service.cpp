#include "net/grpc/stats_service.hpp"

#include "actors/model/query_rules.hpp"
#include "net/grpc/call.hpp"
#include "net/grpc/convert.hpp"
#include "net/grpc/page_watch.hpp"

namespace footfall::rpc {

namespace {

/// Asks the handler what `request` asks, in the words of query_ask. `what` is the method,
/// `complete` may add to the question and refuse it; `decorate` may add to the answer's metadata.
template <class Request, class Response, class Complete, class Decorate>
grpc::ServerUnaryReactor* run_query(const char* what, const edge_ptr& edge,
                                    grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                    Complete complete, Decorate decorate) {
  auto call = unary_call::start(edge, what, context, response);
  if (!call->admitted())
    return call.get();
  Request message;
  query_ask ask;
  model::refusal bad;
  model::principal who;
  auto denied = check_key(*edge, *context, model::access_need::read, who);
  if (denied.ok())
    denied = charge(who, 1);
  if (!denied.ok()) {
    call->refuse(std::move(denied));
  } else if (!read_message(*request, message)) {
    call->refuse(unreadable<Request>());
  } else if ((bad = to_ask(message, ask)) || (bad = complete(*context, ask))) {
    call->refuse(status_of(bad));
  } else if (denied = keep_to_its_site(who, ask.site_id); !denied.ok()) {
    call->refuse(std::move(denied));
  } else if ((bad = model::check_query(ask, edge->config.now()))) {
    call->refuse(status_of(bad));
  } else {
    ask.trace = call->trace();
    auto done = [call, ask, decorate](const query_answer& answer) {
      if (!call->claim())
        return;
      if (answer.code != errc::none)
        return call->finish(status_of(answer));
      decorate(call->context(), answer);
      Response out;
      to_message(ask, answer, out);
      call->finish(out);
    };
    edge->handler.query(ask, std::move(done));
  }
  return call.get();
}

template <class Request, class Response>
grpc::ServerUnaryReactor* run_query(const char* what, const edge_ptr& edge,
                                    grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
  return run_query<Request, Response>(
      what, edge, context, request, response,
      [](const grpc::CallbackServerContext&, query_ask&) { return model::refusal{}; },
      [](grpc::CallbackServerContext&, const query_answer&) {});
}

model::refusal after_from_metadata(const grpc::CallbackServerContext& context, query_ask& ask) {
  auto i = context.client_metadata().find("footfall-after");
  if (i == context.client_metadata().end())
    return {};
  auto bad = model::check_after({i->second.data(), i->second.size()}, ask.after);
  if (bad)
    bad = {"footfall-after", "metadata footfall-after: " + bad.reason};
  return bad;
}

void freshness_to_metadata(grpc::CallbackServerContext& context, const query_answer& answer) {
  context.AddTrailingMetadata("footfall-source", to_string(answer.source));
  context.AddTrailingMetadata("footfall-as-of", time_text(answer.as_of_us));
  context.AddTrailingMetadata("footfall-position", to_string(answer.reached));
  if (!answer.node.empty())
    context.AddTrailingMetadata("footfall-node", answer.node);
}

} // namespace

grpc::ServerUnaryReactor* stats_service::GetCount(context_ptr context, const bytes* request,
                                                  bytes* response) {
  return run_query<v1::CountRequest, v1::CountResponse>("GetCount", edge_, context, request,
                                                        response);
}

grpc::ServerUnaryReactor* stats_service::GetPage(context_ptr context, const bytes* request,
                                                 bytes* response) {
  return run_query<v1::PageRequest, v1::PageResponse>("GetPage", edge_, context, request, response);
}

grpc::ServerUnaryReactor* stats_service::GetTopPages(context_ptr context, const bytes* request,
                                                     bytes* response) {
  return run_query<v1::TopPagesRequest, v1::TopPagesResponse>("GetTopPages", edge_, context,
                                                              request, response);
}

grpc::ServerUnaryReactor* stats_service::GetSeries(context_ptr context, const bytes* request,
                                                   bytes* response) {
  return run_query<v1::SeriesRequest, v1::SeriesResponse>("GetSeries", edge_, context, request,
                                                          response);
}

grpc::ServerUnaryReactor* stats_service::GetUsers(context_ptr context, const bytes* request,
                                                  bytes* response) {
  return run_query<v1::UsersRequest, v1::UsersResponse>("GetUsers", edge_, context, request,
                                                        response);
}

grpc::ServerUnaryReactor* stats_service::GetActive(context_ptr context, const bytes* request,
                                                   bytes* response) {
  return run_query<v1::ActiveRequest, v1::ActiveResponse>("GetActive", edge_, context, request,
                                                          response);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* stats_service::WatchPage(context_ptr context,
                                                                     const bytes* request) {
  return page_watch::start(edge_, *context, *request);
}

grpc::ServerUnaryReactor* analytics_service::GetEventCount(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  return run_query<::analytics::EventCountRequest, ::analytics::EventCountResponse>(
      "GetEventCount", edge_, context, request, response, after_from_metadata,
      freshness_to_metadata);
}

} // namespace footfall::rpc
