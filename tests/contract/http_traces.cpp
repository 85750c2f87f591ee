#include "net/http/path_pattern.hpp"
#include "tests/contract/http_fixture.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

constexpr const char* trace = "4bf92f3577b34da6a3ce929d0e0e4736";

std::string given(const char* flags) {
  return std::string("traceparent: 00-") + trace + "-00f067aa0ba902b7-" + flags + "\r\n";
}

std::string value_of(const std::string& response, std::string_view name) {
  const auto at = response.find("\r\n" + std::string(name) + ": ");
  if (at == std::string::npos)
    return {};
  const auto from = at + name.size() + 4;
  return response.substr(from, response.find('\r', from) - from);
}

size_t count_of(const std::string& response, std::string_view name) {
  size_t out = 0;
  const auto line = "\r\n" + std::string(name) + ": ";
  for (auto at = response.find(line); at != std::string::npos; at = response.find(line, at + 1))
    ++out;
  return out;
}

struct traced_fixture : http_fixture {
  traced_fixture() { config.traces = &traces; }

  struct line {
    std::string trace, who, text;
    bool failed = false;
  };
  std::mutex mutex;
  std::vector<line> told;
  counter left_out{0};
  trace_log traces{[this](const trace_line& x) {
                     std::lock_guard guard{mutex};
                     told.push_back({trace_id(x.of), std::string(x.who), x.text, x.failed});
                   },
                   left_out};
};

} // namespace

TEST_CASE_METHOD(traced_fixture, "a trace goes with the request and is told to the client",
                 "[contract][http][trace]") {
  client in{ports().ingest};
  const auto posted = in.ask(post("/v1/events", event("a"), given("01")));
  CHECK(status_of(posted) == 200);
  CHECK(trace_id(handler.last_trace) == trace);
  CHECK(handler.last_trace.sampled);
  CHECK(value_of(posted, "traceresponse") == to_string(handler.last_trace));
  CHECK(span_id(handler.last_trace) != "00f067aa0ba902b7");

  client c{ports().query};
  const auto asked = c.ask(get("/v1/stats/page?page_url=/secret", given("00")));
  CHECK(status_of(asked) == 200);
  CHECK(trace_id(handler.last.trace) == trace);
  CHECK_FALSE(handler.last.trace.sampled);
  CHECK(value_of(asked, "traceresponse") == to_string(handler.last.trace));

  // The next request of the connection has none.
  CHECK(value_of(c.ask(get("/v1/stats/page?page_url=/p")), "traceresponse").empty());
  CHECK_FALSE(handler.last.trace);
  CHECK(status_of(in.ask(post("/v1/events", event("a")))) == 200);
  CHECK_FALSE(handler.last_trace);

  std::lock_guard guard{mutex};
  REQUIRE(told.size() == 1); // The other was not to be told of.
  CHECK(told[0].trace == trace);
  CHECK(told[0].who == "http");
  CHECK(told[0].text.rfind("POST /v1/events: 200 in ", 0) == 0);
  CHECK_FALSE(told[0].failed);
}

TEST_CASE_METHOD(traced_fixture, "what is no trace is as good as none", "[contract][http][trace]") {
  client c{ports().query};
  for (const auto& bad :
       {std::string("traceparent: x\r\n"), std::string("traceparent:\r\n"),
        given("01") + given("01"), "traceparent: " + std::string(600, '0') + "\r\n"}) {
    const auto answer = c.ask(get("/v1/stats/page?page_url=/p", bad));
    CHECK(status_of(answer) == 200);
    CHECK(value_of(answer, "traceresponse").empty());
    CHECK_FALSE(handler.last.trace);
  }
  CHECK(told.empty());
}

TEST_CASE_METHOD(traced_fixture, "who is failed is given a name to ask by",
                 "[contract][http][trace]") {
  client in{ports().ingest};
  const auto lost = in.ask(post("/v1/events", event("a", "lost")));
  CHECK(status_of(lost) == 503);
  const auto name = parse_traceparent(value_of(lost, "traceresponse"));
  REQUIRE(name);
  client c{ports().query};
  const auto late = c.ask(get("/v1/stats/page?page_url=/p&user=", "Footfall-After: 0:99\r\n"));
  CHECK(value_of(late, "traceresponse").empty()); // Its own fault.
  const auto known =
      c.ask(get("/v1/stats/page?page_url=/p", "Footfall-After: 0:99\r\n" + given("00")));
  CHECK(status_of(known) == 504);
  CHECK(has(value_of(known, "traceresponse"), trace));

  std::lock_guard guard{mutex};
  REQUIRE(told.size() == 2);
  CHECK(told[0].trace == trace_id(name));
  CHECK(told[0].failed);
  CHECK(told[0].text.rfind("POST /v1/events: 503 in ", 0) == 0);
  CHECK(told[1].trace == trace);
  CHECK(told[1].failed);
}

TEST_CASE_METHOD(traced_fixture,
                 "who is refused before an endpoint sees the request keeps the name",
                 "[contract][http][trace]") {
  client in{ports().ingest};
  const auto large = in.ask("POST /v1/events HTTP/1.1\r\nHost: localhost\r\n" + given("01")
                            + "Content-Length: 99999999\r\n\r\n");
  CHECK(status_of(large) == 413);
  CHECK(has(value_of(large, "traceresponse"), trace));
  CHECK(count_of(large, "traceresponse") == 1);
  std::lock_guard guard{mutex};
  REQUIRE(told.size() == 1);
  CHECK(told[0].text.rfind("POST /v1/events: 413 in ", 0) == 0);
}

TEST_CASE_METHOD(traced_fixture, "who waits in vain keeps the name", "[contract][http][trace]") {
  config.answer_timeout = 100ms;
  handler.hold = true;
  client in{ports().ingest};
  const auto late = in.ask(post("/v1/events", event("a"), given("00")));
  CHECK(status_of(late) == 503);
  CHECK(has(value_of(late, "traceresponse"), trace));
  CHECK(count_of(late, "traceresponse") == 1);
  client again{ports().ingest};
  const auto unnamed = again.ask(post("/v1/events", event("b")));
  CHECK(status_of(unnamed) == 503);
  CHECK(count_of(unnamed, "traceresponse") == 1);
  handler.release(2);
  std::lock_guard guard{mutex};
  REQUIRE(told.size() == 2);
  CHECK(told[0].trace == trace);
  CHECK(told[0].failed);
}

TEST_CASE_METHOD(traced_fixture, "who is not let in, or is nowhere, writes nothing to the log",
                 "[contract][http][trace]") {
  client in{ports().ingest};
  const auto foreign =
      in.ask(post("/v1/events", event("a"), given("01") + "Origin: https://evil.example\r\n"));
  CHECK(status_of(foreign) == 403);
  CHECK(has(value_of(foreign, "traceresponse"), trace));
  client c{ports().query};
  for (const auto* nowhere : {"/ff_live_secret", "/v1/users/ada/secret", "/v1/keys/"})
    CHECK(status_of(c.ask(get(nowhere, given("01")))) == 404);
  std::lock_guard guard{mutex};
  CHECK(told.empty());
}

TEST_CASE("patterns name paths and nothing that a client wrote", "[contract][http][trace]") {
  using http::path_pattern;
  CHECK(path_pattern("/v1/stats/page") == "/v1/stats/page");
  CHECK(path_pattern("/v1/keys/7nq2m8xa") == "/v1/keys/{id}");
  CHECK(path_pattern("/v1/users/ada/password") == "/v1/users/{name}/password");
  CHECK(path_pattern("/v1/system/actors/n1/7") == "/v1/system/actors/{node}/{id}");
  CHECK(path_pattern("/v1/system/actors/7") == "/v1/system/actors/{id}");
  for (const auto* none : {"", "/", "*", "/v1", "/v1/keys/", "/v1/keys/a/b", "/v1/users//password",
                           "/v1/users/ada/other", "/v1/events/", "//v1/events", "/v1/eventsx"})
    CHECK(path_pattern(none).empty());
}
