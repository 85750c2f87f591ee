#include <catch2/catch.hpp>

#include "tests/contract/grpc_rig.hpp"

using namespace footfall;
using namespace footfall::test;
using grpc::StatusCode;

namespace {

constexpr const char* trace = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr const char* given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct told_lines {
  std::mutex mutex;
  struct line {
    std::string trace, who, text;
  };
  std::vector<line> told;
  counter left_out{0};
  trace_log traces{[this](const trace_line& x) {
                     std::lock_guard guard{mutex};
                     told.push_back({trace_id(x.of), std::string(x.who), x.text});
                   },
                   left_out};
  grpc_config config() {
    grpc_config out;
    out.traces = &traces;
    return out;
  }
};

std::string response_of(const grpc::ClientContext& context) {
  const auto& trailing = context.GetServerTrailingMetadata();
  const auto found = trailing.find("traceresponse");
  return found == trailing.end() ? std::string{}
                                 : std::string{found->second.data(), found->second.size()};
}

} // namespace

TEST_CASE("a trace goes with a call and is told to the client", "[contract][grpc][trace]") {
  told_lines lines;
  grpc_rig rig{lines.config()};
  v1::PostEventsRequest request;
  add_event(request, "a");
  v1::PostEventsResponse response;
  patient_context context;
  context.AddMetadata("traceparent", given);
  REQUIRE(rig.ingest->PostEvents(&context, request, &response).ok());
  const auto told = parse_traceparent(response_of(context));
  CHECK(trace_id(told) == trace);
  CHECK(to_string(rig.handler.last_trace()) == to_string(told));

  v1::PageRequest page;
  page.set_page_url("/secret");
  v1::PageResponse found;
  patient_context asks;
  asks.AddMetadata("traceparent", given);
  REQUIRE(rig.stats->GetPage(&asks, page, &found).ok());
  CHECK(trace_id(rig.handler.last_ask().trace) == trace);
  patient_context plain;
  REQUIRE(rig.stats->GetPage(&plain, page, &found).ok());
  CHECK_FALSE(rig.handler.last_ask().trace);
  CHECK(response_of(plain).empty());

  rig.server->stop();
  std::lock_guard guard{lines.mutex};
  REQUIRE(lines.told.size() == 2);
  CHECK(lines.told[0].trace == trace);
  CHECK(lines.told[0].who == "grpc");
  CHECK(lines.told[0].text.rfind("PostEvents: status 0 in ", 0) == 0);
  CHECK(lines.told[1].trace == trace);
  CHECK(lines.told[1].text.rfind("GetPage: status 0 in ", 0) == 0);
}

TEST_CASE("a call that fails is given a name to ask by", "[contract][grpc][trace]") {
  told_lines lines;
  grpc_rig rig{lines.config()};
  rig.handler.decide = [](const click_event&) {
    event_result out;
    out.status = outcome::unknown;
    out.code = errc::timeout;
    return out;
  };
  v1::PostEventsRequest request;
  add_event(request, "a");
  v1::PostEventsResponse response;
  patient_context context;
  CHECK(rig.ingest->PostEvents(&context, request, &response).error_code()
        == StatusCode::UNAVAILABLE);
  const auto name = parse_traceparent(response_of(context));
  REQUIRE(name);
  v1::PageResponse none;
  patient_context wrong; // Its own fault.
  CHECK(rig.stats->GetPage(&wrong, v1::PageRequest{}, &none).error_code()
        == StatusCode::INVALID_ARGUMENT);
  CHECK(response_of(wrong).empty());

  rig.server->stop();
  std::lock_guard guard{lines.mutex};
  REQUIRE(lines.told.size() == 1);
  CHECK(lines.told[0].trace == trace_id(name));
  CHECK(lines.told[0].text.rfind("PostEvents: status 14 in ", 0) == 0);
}

TEST_CASE("a stream has a trace as well, and its planned end is no failure",
          "[contract][grpc][trace]") {
  told_lines lines;
  grpc_rig rig{lines.config()};
  v1::PageRequest page;
  page.set_page_url("/p");
  patient_context context;
  context.AddMetadata("traceparent", given);
  auto watch = rig.stats->WatchPage(&context, page);
  v1::PageResponse state;
  REQUIRE(watch->Read(&state));
  rig.server->drain();
  while (watch->Read(&state)) {
  }
  CHECK(watch->Finish().error_code() == StatusCode::UNAVAILABLE);
  CHECK(trace_id(parse_traceparent(response_of(context))) == trace);

  patient_context again; // The node drains by now: nobody may watch.
  auto refused = rig.stats->WatchPage(&again, page);
  CHECK_FALSE(refused->Read(&state));
  CHECK_FALSE(refused->Finish().ok());
  rig.server->stop();
  std::lock_guard guard{lines.mutex};
  CHECK(lines.told.empty());
}
