#include "tests/contract/await.hpp"
#include "tests/contract/http_fixture.hpp"

using namespace footfall;
using namespace std::chrono_literals;
using namespace footfall::test;

TEST_CASE_METHOD(http_fixture, "an event is echoed as the reference does", "[contract][http]") {
  client c{ports().ingest};
  auto full = c.ask(post("/ingest", R"({"event_id":"e","user_id":"u","event_type":"click",)"
                                    R"("page_url":"/p?a=1&b=<c>",)"
                                    R"("time_stamp":"2025-11-05T20:00:00.500+05:30"})"));
  CHECK(status_of(full) == 200);
  CHECK(has(full, "Content-Type: application/json\r\n"));
  CHECK(has(full, "Footfall-Position: 2:42\r\n"));
  CHECK(body_of(full)
        == "{\"event_id\":\"e\",\"user_id\":\"u\",\"event_type\":\"click\","
           "\"page_url\":\"/p?a=1\\u0026b=\\u003cc\\u003e\","
           "\"time_stamp\":\"2025-11-05T20:00:00.5+05:30\"}\n");
  auto bare =
      c.ask(post("/ingest?site=shop", R"({"user_id":"u","event_type":"t","page_url":"/"})"));
  CHECK(body_of(bare)
        == "{\"event_id\":\"made-id\",\"user_id\":\"u\",\"event_type\":\"t\",\"page_url\":\"/\","
           "\"time_stamp\":\"2025-11-05T20:00:00.5Z\"}\n");
  REQUIRE(handler.seen.size() == 2);
  CHECK(handler.seen[0].site_id == "");
  CHECK(handler.seen[1].site_id == "shop");
}

TEST_CASE_METHOD(http_fixture, "outcomes have their status", "[contract][http]") {
  client c{ports().ingest};
  auto outcome = [&](const char* user) { return c.ask(post("/ingest", event("e1", user))); };
  auto invalid = outcome("invalid");
  CHECK(status_of(invalid) == 400);
  CHECK(has(invalid, "application/problem+json"));
  CHECK(has(invalid, "\"field\":\"user_id\""));
  CHECK(has(invalid, "\"outcome\":\"rejected\""));
  auto full = outcome("full");
  CHECK(status_of(full) == 429);
  CHECK(has(full, "Retry-After: 1\r\n"));
  CHECK(status_of(outcome("disk")) == 507);
  auto lost = outcome("lost");
  CHECK(status_of(lost) == 503);
  CHECK(has(lost, "Retry-After: 1\r\n"));
  CHECK(has(lost, "\"outcome\":\"unknown\""));
  CHECK(has(lost, "\"event_id\":\"e1\""));
  CHECK(status_of(c.ask(post("/ingest", "{broken"))) == 400);
  CHECK(status_of(c.ask(post("/ingest", event("e2")))) == 200);
}

TEST_CASE_METHOD(http_fixture, "a batch has a result for each event, in order",
                 "[contract][http]") {
  client c{ports().ingest};
  auto mixed =
      c.ask(post("/v1/events?site=s", "[" + event("a") + ",{\"event_id\":\"b\",\"user_id\":1},"
                                          + event("c", "invalid") + "," + event("d") + "]"));
  CHECK(status_of(mixed) == 200);
  CHECK(body_of(mixed)
        == "{\"accepted\":2,\"rejected\":2,\"results\":["
           "{\"status\":\"accepted\",\"event_id\":\"a\",\"position\":\"2:42\"},"
           "{\"status\":\"rejected\",\"event_id\":\"b\",\"code\":\"invalid_argument\",\"reason\":"
           "\"user_id is not a JSON string; put its value in quotes\",\"retry\":false},"
           "{\"status\":\"rejected\",\"event_id\":\"c\",\"code\":\"invalid_argument\",\"reason\":"
           "\"user_id has 9 bytes; the limit is 8\",\"retry\":false},"
           "{\"status\":\"accepted\",\"event_id\":\"d\",\"position\":\"2:42\"}]}\n");
  CHECK(handler.seen.size() == 3);
  CHECK(handler.seen[0].site_id == "s");
  auto lines = c.ask(post("/v1/events", event("a") + "\n" + event("b") + "\n"));
  CHECK(has(lines, "\"accepted\":2,\"rejected\":0"));
  auto refused = c.ask(post("/v1/events", "[{\"user_id\":1},5]"));
  CHECK(status_of(refused) == 422);
  CHECK(has(refused, "\"accepted\":0,\"rejected\":2,\"results\":["));
  auto unknown = c.ask(post("/v1/events", event("a") + "\n" + event("b", "lost")));
  CHECK(status_of(unknown) == 503);
  CHECK(has(unknown, "\"accepted\":1,\"rejected\":0,\"unknown\":1"));
  CHECK(status_of(c.ask(post("/v1/events", "[" + event("a", "full") + ",5]"))) == 429);
  CHECK(status_of(c.ask(post("/v1/events", "[]"))) == 400);
  CHECK(status_of(c.ask(post("/v1/events", "nonsense"))) == 400);
  CHECK(status_of(c.ask(post("/v1/events?other=1", event("a")))) == 400);
  CHECK(status_of(c.ask(post("/v1/events?site=a%20b", event("a")))) == 400);
}

TEST_CASE_METHOD(http_fixture, "paths and methods are checked", "[contract][http]") {
  client c{ports().ingest};
  auto wrong = c.ask(get("/ingest"));
  CHECK(status_of(wrong) == 405);
  CHECK(has(wrong, "Allow: POST\r\n"));
  c.send("HEAD /ingest HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(status_of(c.receive(false)) == 405);
  for (auto path : {"/ingest/", "//ingest", "/INGEST", "/", "/healthz"})
    CHECK(status_of(c.ask(post(path, event("a")))) == 404);
  // No path, whatever stands in the parameters.
  CHECK(status_of(c.ask("POST http://localhost?x=/ingest HTTP/1.1\r\nHost: "
                        "localhost\r\nContent-Length: 0\r\n\r\n"))
        == 404);
  CHECK(status_of(c.ask("OPTIONS /ingest HTTP/1.1\r\nHost: localhost\r\n\r\n")) == 405);
  CHECK(status_of(c.ask("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n")) == 404);
  CHECK(status_of(c.ask(post("/ingest", event("a"), "Content-Encoding: br\r\n"))) == 415);
  CHECK(status_of(c.ask(post("/ingest", event("a"), "Content-Encoding: identity\r\n"))) == 200);
  CHECK(status_of(c.ask(post("/ingest", event("a"), "Upgrade: h2c\r\nConnection: upgrade\r\n")))
        == 200);
}

TEST_CASE_METHOD(http_fixture, "pipelined requests are answered in order", "[contract][http]") {
  client c{ports().ingest};
  handler.hold = true;
  c.send(post("/ingest", event("first")) + get("/nowhere") + post("/ingest", event("second")));
  REQUIRE(handler.release(1));
  CHECK(has(c.receive(), "\"event_id\":\"first\""));
  CHECK(status_of(c.receive()) == 404);
  REQUIRE(handler.release(1));
  CHECK(has(c.receive(), "\"event_id\":\"second\""));
  handler.hold = false;
  std::string many;
  for (int i = 0; i < 2000; ++i)
    many += post("/ingest", event("n" + std::to_string(i)));
  std::thread sender{[&] { c.send(many); }};
  bool in_order = true;
  for (int i = 0; i < 2000; ++i)
    in_order = in_order && has(c.receive(), "\"event_id\":\"n" + std::to_string(i) + "\"");
  sender.join();
  CHECK(in_order);
}

TEST_CASE_METHOD(http_fixture, "answers of many connections come from other threads",
                 "[contract][http]") {
  handler.hold = true;
  const auto port = ports().ingest;
  std::vector<std::unique_ptr<client>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<client>(port));
    clients.back()->send(post("/ingest", event("e" + std::to_string(i))));
  }
  clients[7].reset(); // Gone before its answer.
  REQUIRE(handler.release(50));
  for (int i = 0; i < 50; ++i)
    if (clients[i])
      CHECK(has(clients[i]->receive(), "\"event_id\":\"e" + std::to_string(i) + "\""));
}

TEST_CASE_METHOD(http_fixture, "bad framing ends the connection with a problem",
                 "[contract][http]") {
  const auto port = ports().ingest;
  client c{port};
  auto bad = c.ask(
      "POST /ingest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n"
      "{}{}GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(status_of(bad) == 400);
  CHECK(has(bad, "Connection: close\r\n"));
  CHECK(has(bad, "application/problem+json"));
  CHECK(c.ended());
  client big{port};
  CHECK(status_of(
            big.ask("POST /ingest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n"
                    + std::string(1'000'000, 'x')))
        == 413);
  CHECK(big.ended());
  client tls{port};
  CHECK(status_of(tls.ask("\x16\x03\x01\x02")) == 400);
  // A first chunk that is the last, byte by byte: Beast's own assertions fail here.
  client drip{port};
  drip.send("POST /ingest HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (char x : std::string{"0\r\n\r\n"})
    drip.send({&x, 1});
  CHECK(status_of(drip.receive()) == 400);
  CHECK(status_of(drip.ask(post("/ingest", event("a")))) == 200);
  CHECK(handler.seen.size() == 1);
}

TEST_CASE_METHOD(http_fixture, "100-continue is answered before the body", "[contract][http]") {
  client c{ports().ingest};
  const auto body = event("a");
  c.send("POST /ingest HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: "
         + std::to_string(body.size()) + "\r\n\r\n");
  CHECK(c.receive() == "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(status_of(c.ask(body)) == 200);
  CHECK(status_of(c.ask("POST /no HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                        "Content-Length: 5\r\n\r\n"))
        == 404);
  CHECK(c.ended());
}

TEST_CASE_METHOD(http_fixture, "HTTP/1.0 and Connection: close end after the answer",
                 "[contract][http]") {
  const auto port = ports().ingest;
  const auto body = event("a");
  client old{port};
  auto answer = old.ask("POST /ingest HTTP/1.0\r\nContent-Length: " + std::to_string(body.size())
                        + "\r\n\r\n" + body);
  CHECK(status_of(answer) == 200);
  CHECK(old.ended());
  client polite{port};
  CHECK(has(polite.ask(post("/ingest", body, "Connection: close\r\n")), "Connection: close\r\n"));
  CHECK(polite.ended());
}

TEST_CASE_METHOD(http_fixture, "slow and silent clients are cut off", "[contract][http]") {
  config.header_timeout = 100ms;
  config.body_grace = 100ms;
  config.idle_timeout = 100ms;
  const auto port = ports().ingest;
  client head{port};
  head.send("POST /ing");
  CHECK(status_of(head.receive()) == 408);
  CHECK(head.ended());
  client body{port};
  body.send("POST /ingest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{");
  CHECK(status_of(body.receive()) == 408);
  CHECK(body.ended());
  client silent{port};
  CHECK(silent.ended());
}

TEST_CASE_METHOD(http_fixture, "a client that reads no answers is cut off", "[contract][http]") {
  config.write_timeout = 200ms;
  client c{ports().query};
  std::string many;
  for (int i = 0; i < 200'000; ++i) // More than the buffers of both ends hold answers to.
    many += get("/analytics/events?user_id=u&page_url=/p");
  c.send(many); // Ends when the server hangs up, or has taken all.
  CHECK(eventually([&] { return counters.http_connections == 0; }));
  client next{ports().query};
  CHECK(status_of(next.ask(get("/analytics/events?user_id=u&page_url=/p"))) == 200);
}

TEST_CASE_METHOD(http_fixture, "an answer that never comes is unknown", "[contract][http]") {
  config.answer_timeout = 100ms;
  handler.hold = true;
  client c{ports().ingest};
  auto late = c.ask(post("/ingest", event("a")));
  CHECK(status_of(late) == 503);
  CHECK(has(late, "\"outcome\":\"unknown\""));
  CHECK(handler.release(1));
  CHECK(c.ended());
}

TEST_CASE_METHOD(http_fixture, "an audit may take longer than other answers", "[contract][http]") {
  config.answer_timeout = 100ms;
  handler.hold = true;
  client slow{ports().query};
  slow.send(get("/v1/system/audit?page_url=/p"));
  client other{ports().ingest};
  CHECK(status_of(other.ask(post("/ingest", event("a")))) == 503); // Its time is over by then.
  CHECK(handler.release(2));
  CHECK(status_of(slow.receive()) == 200);
  // What comes behind it on the connection is as any other.
  slow.send(get("/v1/system/audit?page_url=/p"));
  CHECK(handler.release(1));
  CHECK(status_of(slow.receive()) == 200);
  CHECK(status_of(slow.ask(get("/v1/system/audit"))) == 400);
  CHECK(status_of(slow.ask(post("/v1/system/audit", ""))) == 405);
}

TEST_CASE_METHOD(http_fixture, "what idles makes room for a connection that is one too many",
                 "[contract][http]") {
  config.connections = 2;
  config.makes_room_after = 50ms;
  const auto port = ports().ingest;
  handler.hold = true;
  client busy{port};
  busy.send(post("/ingest", event("a")));
  client idle{port};
  // A new one is served in the end; the idle one is closed, the busy one is not.
  CHECK(eventually([&] {
    client fresh{port};
    fresh.send(get("/nothing"));
    return status_of(fresh.receive()) == 404;
  }));
  CHECK(idle.ended());
  CHECK(handler.release(1));
  CHECK(status_of(busy.receive()) == 200);
}

TEST_CASE_METHOD(http_fixture, "connections beyond the cap get 503", "[contract][http]") {
  config.connections = 2;
  const auto port = ports().ingest;
  client one{port};
  CHECK(status_of(one.ask(post("/ingest", event("a")))) == 200);
  {
    client two{port};
    CHECK(status_of(two.ask(post("/ingest", event("b")))) == 200);
    client three{port};
    auto full = three.receive();
    CHECK(status_of(full) == 503);
    CHECK(has(full, "Retry-After: 1\r\n"));
    CHECK(counters.http_connections_refused == 1);
  }
  CHECK(status_of(one.ask(post("/ingest", event("c")))) == 200);
}
