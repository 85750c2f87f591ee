#include "tests/contract/http_fixture.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

query_answer page(uint64_t clicks, int64_t offset) {
  query_answer out;
  out.source = answer_source::actor;
  out.clicks = clicks;
  out.users = 1;
  out.reached = {{0, offset}};
  out.minutes.assign(60, 0);
  return out;
}

void wait_until(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + 5s;
  while (!holds() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(5ms);
  REQUIRE(holds());
}

} // namespace

TEST_CASE_METHOD(http_fixture, "a stream tells each topic as a whole state", "[net][http][live]") {
  client c{ports().query};
  c.send(
      get("/v1/live?topic=page:/p&topic=top:3&topic=summary&topic=active&topic=system&range=7d"));
  const auto head = c.receive_until("event: hello");
  CHECK(has(head, "HTTP/1.1 200 OK"));
  CHECK(has(head, "Content-Type: text/event-stream"));
  CHECK(has(head, "X-Accel-Buffering: no"));
  CHECK(has(head, "Transfer-Encoding: chunked"));
  auto rest = c.receive_until("event: system") + c.receive_until("}\n\n");
  for (auto part : {"event: top\n", "event: summary\n", "event: active\n", "\"pages\":[",
                    "\"now\":{\"clicks\":", "\"window_s\":300"})
    CHECK(has(rest, part));
  wait_until([&] { return handler.watches() == 1; });
  handler.tell_page("/p", page(41, 8));
  // The id is of all that the stream was told of: the lists were at 0:7,1:3.
  CHECK(has(c.receive_until("\"clicks\":41"),
            "id: 0:8,1:3\nevent: page\ndata: {\"page_url\":\"/p\""));
  handler.tell_page("/p", page(42, 9));
  c.receive_until("\"clicks\":42");
  CHECK(counters.http_streams == 1);
}

TEST_CASE_METHOD(http_fixture, "what a client shows ends with it", "[net][http][live]") {
  auto at = ports();
  {
    client c{at.query};
    c.send(get("/v1/live?topic=page:/p"));
    wait_until([&] { return handler.watches() == 1; });
  }
  wait_until([&] { return handler.watches() == 0 && counters.http_streams == 0; });
}

TEST_CASE_METHOD(http_fixture, "a client that comes back is told nothing older",
                 "[net][http][live]") {
  client c{ports().query};
  c.send(get("/v1/live?topic=page:/p&topic=page:/q", "Last-Event-ID: 0:8,1:4\r\n"));
  c.receive_until("event: hello");
  wait_until([&] { return handler.watches() == 2; });
  handler.tell_page("/p", page(7, 7));
  handler.tell_page("/q", page(9, 9)); // Told behind the other one: that was passed over.
  auto told = c.receive_until("\"clicks\":9");
  handler.tell_page("/p", page(8, 8));
  told += c.receive_until("\"clicks\":8");
  CHECK_FALSE(has(told, "\"clicks\":7"));
}

TEST_CASE_METHOD(http_fixture, "an id that nobody can read delays nothing", "[net][http][live]") {
  for (const auto& id : {std::string("nonsense"), std::string(3'000, '1')}) {
    client c{ports().query};
    c.send(get("/v1/live?topic=system", "Last-Event-ID: " + id + "\r\n"));
    CHECK(has(c.receive_until("event: system"), "200 OK"));
  }
}

TEST_CASE_METHOD(http_fixture, "a page that nobody tells is in trouble", "[net][http][live]") {
  client c{ports().query};
  c.send(get("/v1/live?topic=page:/p"));
  CHECK(has(c.receive_until("\"retry\":true}"), "event: trouble"));
  handler.tell_page("/p", page(5, 9));
  CHECK(has(c.receive_until("\"clicks\":5"), "event: page\n"));
}

TEST_CASE_METHOD(http_fixture, "a topic in trouble says so and is asked again",
                 "[net][http][live]") {
  client c{ports().query};
  c.send(get("/v1/live?topic=page:/p"));
  wait_until([&] { return handler.watches() == 1; });
  query_answer bad;
  bad.code = errc::store_unavailable;
  bad.reason = "the store is away";
  handler.tell_page("/p", bad);
  const auto told = c.receive_until("\"retry\":true}");
  CHECK(has(told, "event: trouble\ndata: {\"topic\":\"page:/p\",\"status\":503"));
  wait_until([&] { return handler.watches() == 1; });
  handler.tell_page("/p", page(5, 9));
  CHECK(has(c.receive_until("\"clicks\":5"), "event: page\n"));
  // Also when it was told for long before.
  std::this_thread::sleep_for(2s);
  handler.tell_page("/p", bad);
  c.receive_until("event: trouble");
  const auto since = std::chrono::steady_clock::now();
  wait_until([&] { return handler.watches() == 1; });
  handler.tell_page("/p", page(6, 10));
  c.receive_until("\"clicks\":6");
  CHECK(std::chrono::steady_clock::now() - since < 3s);
}

TEST_CASE_METHOD(http_fixture, "streams are bounded, and bad topics refused", "[net][http][live]") {
  config.live_streams = 2;
  const auto at = ports();
  auto status = [&](const std::string& target) {
    client c{at.query};
    return status_of(c.ask(get(target)));
  };
  for (auto bad : {"/v1/live", "/v1/live?topic=pages", "/v1/live?topic=top:x",
                   "/v1/live?topic=page:", "/v1/live?topic=summary&range=9d",
                   "/v1/live?topic=system&when=now", "/v1/live?topic=system&topic=system&topic=x",
                   "/v1/live?topic=system&tz=%2e%2e/x&topic=summary&range=7d"})
    CHECK(status(bad) == 400);
  client posts{at.query};
  CHECK(status_of(posts.ask(post("/v1/live?topic=system", ""))) == 405);
  CHECK(counters.http_streams == 0);
  client one{at.query}, two{at.query}, three{at.query};
  one.send(get("/v1/live?topic=system"));
  two.send(get("/v1/live?topic=system"));
  one.receive_until("event: system");
  two.receive_until("event: system");
  const auto refused = three.ask(get("/v1/live?topic=system"));
  CHECK(status_of(refused) == 503);
  CHECK(has(refused, "Retry-After: "));
  CHECK(counters.http_streams_refused == 1);
}

TEST_CASE_METHOD(http_fixture, "what all streams show together is bounded", "[net][http][live]") {
  config.live_topics = 100;
  const auto at = ports();
  std::vector<std::unique_ptr<client>> all;
  unsigned refused = 0;
  for (int i = 0; i < 100 && refused == 0; ++i) {
    std::string target = "/v1/live?";
    for (int j = 0; j < 6; ++j)
      target += "topic=page:/" + std::to_string(6 * i + j) + '&';
    all.push_back(std::make_unique<client>(at.query));
    all.back()->send(get(target));
    refused = has(all.back()->receive_until("\r\n"), " 503 ") ? 1 : 0;
  }
  CHECK(refused == 1);
  CHECK(handler.watches() <= 100);
  CHECK(handler.watches() > 90);
}

TEST_CASE_METHOD(http_fixture, "a stream that begins while the server drains is told to go",
                 "[net][http][live]") {
  client c{ports().query};
  const auto whole = get("/v1/live?topic=system");
  c.send(whole.substr(0, whole.size() - 2));
  std::this_thread::sleep_for(200ms);
  std::thread drains{[&] { server->drain(20s); }};
  std::this_thread::sleep_for(200ms);
  const auto since = std::chrono::steady_clock::now();
  c.send("\r\n");
  CHECK(has(c.receive_until("0\r\n\r\n"), "event: bye"));
  CHECK(c.ended());
  drains.join();
  CHECK(std::chrono::steady_clock::now() - since < 5s);
}

TEST_CASE_METHOD(http_fixture, "a draining server says bye", "[net][http][live]") {
  client c{ports().query}, old{ports().query};
  c.send(get("/v1/live?topic=system"));
  old.send("GET /v1/live?topic=system HTTP/1.0\r\n\r\n");
  c.receive_until("event: system");
  CHECK_FALSE(has(old.receive_until("event: system"), "chunked"));
  server->drain(5s);
  CHECK(has(c.receive_until("0\r\n\r\n"), "event: bye\ndata: {\"retry_ms\":"));
  CHECK(c.ended());
  CHECK(has(old.receive_until("\"retry_ms\":"), "event: bye"));
  old.receive_until("\n\n");
  CHECK(old.ended());
}

TEST_CASE_METHOD(http_fixture, "a server that is about to drain lets clients go one by one",
                 "[net][http]") {
  const auto at = ports();
  client kept{at.ingest};
  CHECK_FALSE(has(kept.ask(post("/v1/events", event("a"))), "Connection: close"));
  server->say_goodbye();
  CHECK(has(kept.ask(post("/v1/events", event("b"))), "Connection: close"));
  CHECK(kept.ended());
  client late{at.ingest}; // Still taken.
  CHECK(has(late.ask(post("/v1/events", event("c"))), "Connection: close"));
  CHECK(handler.seen.size() == 3);
  client admin{at.admin};
  CHECK_FALSE(has(admin.ask(get("/healthz")), "Connection: close"));
}

TEST_CASE_METHOD(http_fixture, "a reader that stalls gets the newest state, or is cut",
                 "[net][http][live]") {
  config.write_timeout = 1s;
  client c{ports().query};
  c.send(get("/v1/live?topic=page:/p"));
  wait_until([&] { return handler.watches() == 1; });
  auto big = page(1, 9);
  for (int i = 0; i < 500; ++i)
    big.rows.push_back({std::string(60, 'x') + std::to_string(i), 1, 0});
  // Nothing is read: what the server keeps does not grow, and after a while it hangs up.
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (counters.http_streams == 1 && std::chrono::steady_clock::now() < end) {
    ++big.clicks;
    handler.tell_page("/p", big);
    std::this_thread::sleep_for(2ms);
  }
  CHECK(counters.http_streams == 0);
}

TEST_CASE_METHOD(http_fixture, "the query port looks at the node and takes events",
                 "[net][http][live]") {
  const auto at = ports();
  client c{at.query};
  auto ask = [&](const std::string& text) { return c.ask(text); };
  const auto system = ask(get("/v1/system"));
  CHECK(status_of(system) == 200);
  CHECK(has(system, "\"ledger\":{\"written\":0,\"applied\":0,\"waiting\":0"));
  CHECK(has(system, "\"p99_ms\":null"));
  partition_row mine, others, begins;
  mine.state = "running";
  mine.next_offset = 8, mine.log_end = 10;
  others.partition = 1;
  others.state = "stopped", others.here = false, others.log_end = 100;
  handler.parts.rows = {mine, others};
  auto told = ask(get("/v1/system"));
  CHECK(has(told, "{\"written\":10,\"applied\":8,\"waiting\":2,\"partitions\":1,"
                  "\"partitions_in_all\":2}"));
  CHECK(has(told, "\"log_end\":100,\"next\":null,\"folded\":null,\"lag\":null"));
  begins.partition = 2;
  begins.state = "claiming", begins.log_end = 50;
  handler.parts.rows = {mine, begins};
  CHECK(has(ask(get("/v1/system")), "{\"written\":null,\"applied\":null,\"waiting\":null"));
  handler.parts.rows.clear();
  CHECK(status_of(ask(get("/v1/system?x=1"))) == 400);
  CHECK(status_of(ask(post("/v1/system", ""))) == 405);
  CHECK(has(ask(get("/v1/system/actors")), "\"name\":\"supervisor\""));
  CHECK(has(ask(get("/v1/system/actors/1")), "\"clicks\":12"));
  CHECK(has(ask(get("/v1/system/cluster")), "\"nodes\":["));
  CHECK(has(ask(get("/v1/system/partitions")), "\"partitions\":["));
  for (auto hidden : {"/v1/system/admin/audit", "/v1/system/metrics", "/v1/system/partitions/skip",
                      "/v1/system/"})
    CHECK(status_of(ask(get(hidden))) == 404);
  CHECK(status_of(ask(post("/v1/system/partitions", ""))) == 405);
  const auto stored = ask(post("/v1/events", "{\"events\":[" + event("a") + "]}"));
  CHECK(status_of(stored) == 200);
  CHECK(handler.seen.size() == 1);
}

TEST_CASE_METHOD(http_fixture, "a range is cut in its zone and compared", "[net][http][range]") {
  client c{ports().query};
  const auto x =
      c.ask(get("/v1/stats/series?range=7d&tz=Asia/Kathmandu&compare=previous&page_url=/p"));
  CHECK(status_of(x) == 200);
  for (auto part : {"\"step\":\"day\"", "\"name\":\"7d\"", "\"tz\":\"Asia/Kathmandu\"",
                    "\"points\":[{\"at\":\"2025-10-30T18:15:00Z\"", "\"before\":[{\"at\":"})
    CHECK(has(x, part));
  CHECK(handler.last.step == series_step::quarter_hour);
  for (auto bad : {"/v1/stats/summary?range=1d", "/v1/stats/summary?to=2025-01-01T00:00:00Z",
                   "/v1/stats/summary?range=7d&tz=Mars/Base",
                   "/v1/stats/summary?from=2000-01-01T00:01:00Z&to=2100-01-01T00:00:00Z",
                   "/v1/live?topic=top:101", "/v1/stats/summary?range=7d&step=day",
                   "/v1/stats/series?range=7d&from=2025-01-01T00:00:00Z",
                   "/v1/stats/series?range=7d&compare=last", "/v1/stats/series?range=&tz=UTC",
                   "/v1/stats/series?range=7d&step=", "/v1/stats/summary?range=",
                   "/v1/stats/summary?tz=", "/v1/stats/summary?compare="})
    CHECK(status_of(c.ask(get(bad))) == 400);
  CHECK(has(c.ask(get("/v1/stats/summary")), "\"name\":\"7d\""));
  CHECK(has(c.ask(get("/v1/stats/summary?range=today")), "\"previous\":null,\"before\":null"));
  CHECK(has(c.ask(get("/v1/stats/top-pages?range=today&limit=5")), "\"name\":\"today\""));
}
