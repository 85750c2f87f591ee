#include <catch2/catch.hpp>

#include <list>

#include "tests/contract/grpc_rig.hpp"

using namespace footfall;
using namespace footfall::test;
using Catch::Matchers::Contains;
using grpc::StatusCode;

namespace {

grpc::Status ask_page(grpc_rig& rig, grpc::ClientContext& context) {
  v1::PageRequest request;
  request.set_page_url("/p");
  v1::PageResponse response;
  return rig.stats->GetPage(&context, request, &response);
}

bool answers(grpc_rig& rig) {
  patient_context context;
  return ask_page(rig, context).ok();
}

/// A call in flight, for the callback client.
struct open_call {
  grpc::ClientContext context;
  v1::PageRequest request;
  v1::PageResponse response;
  std::atomic<int> code{-1};
};

void ask_in_background(grpc_rig& rig, open_call& x) {
  x.request.set_page_url("/p");
  x.context.set_deadline(std::chrono::system_clock::now() + patience);
  rig.stats->async()->GetPage(&x.context, &x.request, &x.response,
                              [&x](grpc::Status s) { x.code = s.error_code(); });
}

} // namespace

TEST_CASE("gRPC tells bytes that are no message from methods that are none", "[contract][grpc]") {
  grpc_rig rig;
  for (auto method : {"/footfall.v1.Ingest/PostEvents", "/footfall.v1.Stats/GetPage",
                      "/analytics.AnalyticsService/GetEventCount"}) {
    for (auto bytes : {std::string{"\x0a\xff"}, std::string{"\x0a\x02\xff\xfe"},
                       std::string{"\xff\xff\xff\xff"}, std::string{"no protobuf at all"}}) {
      auto status = rig.call_raw(method, bytes);
      CHECK(status.error_code() == StatusCode::INVALID_ARGUMENT);
      CHECK_THAT(status.error_message(), Contains("cannot be read as"));
    }
  }
  CHECK(rig.call_raw("/footfall.v1.Stats/GetEverything", "").error_code()
        == StatusCode::UNIMPLEMENTED);
  CHECK(rig.call_raw("/elsewhere.Service/Get", "").error_code() == StatusCode::UNIMPLEMENTED);
  CHECK(answers(rig));
}

TEST_CASE("gRPC keeps deadlines although the handler never answers", "[contract][grpc]") {
  grpc_rig rig;
  rig.handler.keeps_silent = true;
  for (auto delay : {std::chrono::milliseconds{0}, std::chrono::milliseconds{20}}) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + delay);
    CHECK(ask_page(rig, context).error_code() == StatusCode::DEADLINE_EXCEEDED);
  }
  rig.handler.keeps_silent = false;
  CHECK(answers(rig));
}

TEST_CASE("gRPC frees the place of every call that is cancelled", "[contract][grpc]") {
  grpc_config config;
  config.calls_max = 50;
  grpc_rig rig{config};
  for (int round = 0; round < 10; ++round) {
    rig.handler.keeps_silent = true;
    std::list<open_call> calls(60);
    auto with_code = [&](int code) {
      return static_cast<size_t>(
          std::count_if(calls.begin(), calls.end(), [=](auto& x) { return x.code == code; }));
    };
    for (auto& x : calls)
      ask_in_background(rig, x);
    CHECK(eventually(
        [&] { return rig.handler.kept() + with_code(StatusCode::RESOURCE_EXHAUSTED) == 60; }));
    const auto kept = rig.handler.kept();
    CHECK(kept == 50);
    for (auto& x : calls)
      x.context.TryCancel();
    CHECK(eventually([&] { return with_code(-1) == 0; }));
    CHECK(with_code(StatusCode::CANCELLED) == kept);
    rig.handler.keeps_silent = false;
    CHECK(eventually([&] { return rig.server->open_calls() == 0; }));
    CHECK(answers(rig));
    CHECK(eventually([&] { return rig.server->open_calls() == 0; }));
    // Nobody waits for these any more.
    rig.handler.answer_kept();
  }
  CHECK(rig.counters.requests_overloaded >= 100);
}

TEST_CASE("gRPC stops although the handler never answers", "[contract][grpc]") {
  grpc_rig rig;
  rig.handler.keeps_silent = true;
  open_call call;
  ask_in_background(rig, call);
  REQUIRE(eventually([&] { return rig.handler.kept() == 1; }));
  rig.server->stop();
  CHECK(eventually([&] { return call.code != -1; }));
  CHECK(call.code != StatusCode::OK);
  rig.server.reset();
  rig.handler.answer_kept();
}

TEST_CASE("gRPC health follows readiness and ends with a drain", "[contract][grpc]") {
  grpc_rig rig;
  CHECK(eventually([&] { return rig.health() == 1; }));
  rig.handler.is_ready = false;
  CHECK(eventually([&] { return rig.health() == 2; }));
  rig.handler.is_ready = true;
  CHECK(eventually([&] { return rig.health() == 1; }));
  rig.handler.keeps_silent = true;
  CHECK(eventually([&] { return rig.health() == 2; }));
  rig.handler.keeps_silent = false;
  rig.server->drain();
  CHECK(rig.health() == 2);
  CHECK(answers(rig));
}

TEST_CASE("gRPC offers reflection only where it is wanted", "[contract][grpc]") {
  grpc_config config;
  config.reflection = GENERATE(true, false);
  grpc_rig rig{config};
  const std::string version = GENERATE("v1", "v1alpha");
  auto status =
      rig.call_raw("/grpc.reflection." + version + ".ServerReflection/ServerReflectionInfo", "");
  CHECK((status.error_code() == StatusCode::UNIMPLEMENTED) != config.reflection);
}

TEST_CASE("gRPC does not share a port", "[contract][grpc]") {
  grpc_rig rig;
  grpc_config config;
  config.port = rig.server->port();
  auto second = footfall::grpc_server::open(config, rig.handler, rig.counters);
  REQUIRE_FALSE(second);
  CHECK(code_of(second.error()) == errc::invalid_argument);
  CHECK_THAT(text_of(second.error()), Contains(std::to_string(config.port)));
}

TEST_CASE("gRPC sums a stream up", "[contract][grpc]") {
  grpc_rig rig;
  rig.handler.decide = [](const click_event& x) {
    event_result result;
    result.status = x.event_id == "bad"    ? outcome::rejected
                    : x.event_id == "lost" ? outcome::unknown
                                           : outcome::accepted;
    result.pos = {2, 17};
    result.reason = result.status == outcome::accepted ? "" : "told so";
    return result;
  };
  patient_context context;
  v1::StreamEventsResponse response;
  auto writer = rig.ingest->StreamEvents(&context, &response);
  for (int i = 0; i < 100; ++i) {
    v1::PostEventsRequest request;
    add_event(request, "good");
    add_event(request, i % 2 ? "bad" : "lost");
    REQUIRE(writer->Write(request));
  }
  writer->WritesDone();
  REQUIRE(writer->Finish().ok());
  CHECK(response.accepted() == 100);
  CHECK(response.rejected() == 50);
  CHECK(response.unknown() == 50);
  CHECK(response.last_position() == "2:17");
  REQUIRE(response.problems_size() == 100);
  CHECK(response.problems(0).index() == 1);
  CHECK(response.problems(0).status() == v1::EventResult::UNKNOWN);
  CHECK(response.problems(99).index() == 199);
  CHECK(response.problems(99).reason() == "told so");
}

TEST_CASE("gRPC lists at most 1,000 problems of a stream", "[contract][grpc]") {
  grpc_rig rig;
  rig.handler.decide = [](const click_event&) {
    event_result result;
    result.status = outcome::rejected;
    return result;
  };
  patient_context context;
  v1::StreamEventsResponse response;
  auto writer = rig.ingest->StreamEvents(&context, &response);
  v1::PostEventsRequest request;
  for (int i = 0; i < 600; ++i)
    add_event(request, "x");
  REQUIRE(writer->Write(request));
  REQUIRE(writer->Write(request));
  writer->WritesDone();
  REQUIRE(writer->Finish().ok());
  CHECK(response.rejected() == 1200);
  CHECK(response.problems_size() == 1000);
}

TEST_CASE("gRPC ends a stream at a message that is wrong", "[contract][grpc]") {
  grpc_rig rig;
  patient_context context;
  v1::StreamEventsResponse response;
  auto writer = rig.ingest->StreamEvents(&context, &response);
  v1::PostEventsRequest request;
  add_event(request, "a");
  REQUIRE(writer->Write(request));
  REQUIRE(eventually([&] { return rig.handler.events().size() == 1; }));
  auto wanted = StatusCode::INVALID_ARGUMENT;
  SECTION("without events") {
    request.clear_events();
  }
  SECTION("over 1 MiB") {
    request.mutable_events(0)->set_page_url(std::string(1 << 20, 'x'));
    wanted = StatusCode::RESOURCE_EXHAUSTED;
  }
  writer->Write(request);
  writer->WritesDone();
  auto status = writer->Finish();
  CHECK(status.error_code() == wanted);
  if (wanted == StatusCode::INVALID_ARGUMENT)
    CHECK_THAT(status.error_message(), Contains("events is empty") && Contains("1 events were"));
  CHECK(rig.handler.events().size() == 1);
  CHECK(answers(rig));
}

TEST_CASE("gRPC holds a stream back while a message is stored", "[contract][grpc]") {
  grpc_rig rig;
  rig.handler.keeps_silent = true;
  patient_context context;
  v1::StreamEventsResponse response;
  auto writer = rig.ingest->StreamEvents(&context, &response);
  for (int i = 0; i < 5; ++i) {
    v1::PostEventsRequest request;
    add_event(request, std::to_string(i));
    REQUIRE(writer->Write(request));
  }
  for (size_t i = 1; i <= 5; ++i) {
    REQUIRE(eventually([&] { return rig.handler.kept() == 1; }));
    CHECK(rig.handler.events().size() == i);
    rig.handler.answer_kept();
  }
  writer->WritesDone();
  CHECK(writer->Finish().ok());
  CHECK(response.accepted() == 5);
}

TEST_CASE("gRPC ends streams when it drains", "[contract][grpc]") {
  grpc_rig rig;
  patient_context context;
  v1::StreamEventsResponse response;
  auto writer = rig.ingest->StreamEvents(&context, &response);
  v1::PostEventsRequest request;
  add_event(request, "a");
  REQUIRE(writer->Write(request));
  REQUIRE(eventually([&] { return rig.handler.events().size() == 1; }));
  rig.server->drain();
  auto status = writer->Finish();
  CHECK(status.error_code() == StatusCode::UNAVAILABLE);
  CHECK_THAT(status.error_message(), Contains("drains") && Contains("1 events were accepted"));
  patient_context late;
  auto refused = rig.ingest->StreamEvents(&late, &response);
  CHECK(refused->Finish().error_code() == StatusCode::UNAVAILABLE);
}

TEST_CASE("gRPC forgets a stream that is cancelled", "[contract][grpc]") {
  grpc_config config;
  config.calls_max = 1;
  grpc_rig rig{config};
  rig.handler.keeps_silent = GENERATE(false, true);
  {
    patient_context context;
    v1::StreamEventsResponse response;
    auto writer = rig.ingest->StreamEvents(&context, &response);
    v1::PostEventsRequest request;
    add_event(request, "a");
    REQUIRE(writer->Write(request));
    REQUIRE(eventually([&] { return rig.handler.events().size() == 1; }));
    context.TryCancel();
    CHECK(writer->Finish().error_code() == StatusCode::CANCELLED);
  }
  rig.handler.keeps_silent = false;
  CHECK(eventually([&] { return answers(rig); }));
  rig.handler.answer_kept();
}
