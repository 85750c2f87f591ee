#include "tests/contract/grpc_rig.hpp"

#include <algorithm>

#include <grpcpp/impl/codegen/client_unary_call.h>

namespace footfall::test {

void told_handler::ingest(std::vector<click_event> events, ingest_done done,
                          const trace_context& trace) {
  ingest_reply reply;
  {
    std::lock_guard guard{mutex_};
    last_trace_ = trace;
    for (const auto& event : events) {
      event_result result;
      if (decide) {
        result = decide(event);
      } else {
        result.status = outcome::accepted;
        result.pos = {0, static_cast<int64_t>(events_.size())};
      }
      result.event_id = event.event_id;
      reply.results.push_back(std::move(result));
      events_.push_back(event);
    }
    if (keeps_silent) {
      kept_.push_back([done, reply] { done(reply); });
      return;
    }
  }
  done(std::move(reply));
}

void told_handler::query(query_ask ask, query_done done) {
  query_answer copy;
  {
    std::lock_guard guard{mutex_};
    last_ask_ = std::move(ask);
    copy = answer;
    if (keeps_silent) {
      kept_.push_back([done, copy] { done(copy); });
      return;
    }
  }
  done(std::move(copy));
}

std::shared_ptr<void> told_handler::watch(std::string, std::string page_url, query_done update) {
  auto token = std::make_shared<int>(0);
  update(answer);
  std::lock_guard guard{mutex_};
  watchers_.push_back({std::move(page_url), std::move(update), token});
  return token;
}

void told_handler::health(reply<node_health> done) {
  if (keeps_silent)
    return;
  node_health x;
  x.ready = is_ready;
  done(std::move(x));
}

std::vector<click_event> told_handler::events() const {
  std::lock_guard guard{mutex_};
  return events_;
}

query_ask told_handler::last_ask() const {
  std::lock_guard guard{mutex_};
  return last_ask_;
}

trace_context told_handler::last_trace() const {
  std::lock_guard guard{mutex_};
  return last_trace_;
}

size_t told_handler::kept() const {
  std::lock_guard guard{mutex_};
  return kept_.size();
}

void told_handler::answer_kept() {
  std::vector<std::function<void()>> kept;
  {
    std::lock_guard guard{mutex_};
    kept.swap(kept_);
  }
  for (auto& f : kept)
    f();
}

size_t told_handler::open_watches() const {
  std::lock_guard guard{mutex_};
  return static_cast<size_t>(std::count_if(watchers_.begin(), watchers_.end(),
                                           [](auto& x) { return !x.token.expired(); }));
}

void told_handler::tell_watchers(uint64_t clicks, errc code) {
  std::vector<watcher> watchers;
  {
    std::lock_guard guard{mutex_};
    watchers = watchers_;
  }
  auto page = answer;
  page.clicks = clicks;
  page.code = code;
  page.reason = code == errc::none ? "" : "told so";
  for (auto& x : watchers)
    x.update(page);
}

grpc_rig::grpc_rig(grpc_config config) {
  handler.answer.source = answer_source::actor;
  handler.answer.as_of_us = 1'762'374'615'500'000;
  handler.answer.reached = {{0, 41}, {3, 7}};
  config.port = 0;
  config.stop_grace_ms = 100;
  auto opened = grpc_server::open(config, handler, counters);
  if (!opened)
    throw std::runtime_error(text_of(opened.error()));
  server = std::move(*opened);
  grpc::ChannelArguments arguments;
  // Channels to the same address share a connection otherwise, and its state.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  channel = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server->port()),
                                      grpc::InsecureChannelCredentials(), arguments);
  ingest = v1::Ingest::NewStub(channel);
  stats = v1::Stats::NewStub(channel);
  analytics_stub = analytics::AnalyticsService::NewStub(channel);
}

grpc::Status grpc_rig::call_raw(const std::string& method, const std::string& bytes,
                                std::string* answer) {
  patient_context context;
  grpc::Slice slice{bytes};
  grpc::ByteBuffer request{&slice, 1};
  grpc::ByteBuffer response;
  grpc::internal::RpcMethod rpc{method.c_str(), grpc::internal::RpcMethod::NORMAL_RPC};
  auto status = grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer>(
      channel.get(), rpc, &context, request, &response);
  grpc::Slice whole;
  if (answer && status.ok() && response.DumpToSingleSlice(&whole).ok())
    answer->assign(reinterpret_cast<const char*>(whole.begin()), whole.size());
  return status;
}

int grpc_rig::health() {
  std::string answer;
  if (!call_raw("/grpc.health.v1.Health/Check", "", &answer).ok() || answer.size() != 2)
    return 0;
  return answer[1]; // field 1, a varint
}

v1::Event* add_event(v1::PostEventsRequest& request, const std::string& id) {
  auto event = request.add_events();
  event->set_event_id(id);
  event->set_user_id("ada");
  event->set_event_type("click");
  event->set_page_url("/pricing");
  return event;
}

} // namespace footfall::test
