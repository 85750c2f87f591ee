#include "net/http/http_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <catch2/catch.hpp>

using namespace footfall;
using namespace std::chrono_literals;

namespace {

/// Answers at once, unless it is told to hold events back.
class fake_handler final : public request_handler {
public:
  void ingest(std::vector<click_event> events, ingest_done done) override {
    std::unique_lock guard{mutex_};
    seen.insert(seen.end(), events.begin(), events.end());
    ingest_reply reply;
    for (auto& event : events)
      reply.results.push_back(result_of(event));
    if (hold) {
      held_.push_back([done = std::move(done), reply = std::move(reply)] { done(reply); });
      arrived_.notify_all();
      return;
    }
    guard.unlock();
    done(std::move(reply));
  }

  void query(query_ask ask, query_done done) override {
    query_answer answer;
    answer.source = answer_source::cache;
    answer.as_of_us = 1'762'372'800'000'000;
    answer.reached = {{0, 7}, {1, 3}};
    answer.clicks = 4;
    answer.users = 2;
    answer.users_known = ask.from_us == unset_time;
    if (ask.kind == query_kind::page) {
      answer.rows = {{"click", 3, 0}, {"view", 1, 0}};
      answer.minutes.assign(60, 1);
    } else {
      answer.rows = {{"/a&b", 3, 2}};
    }
    answer.points = {{ask.from_us, 9}};
    if (!ask.after.empty() && ask.after.front().offset > 7) {
      answer.code = errc::position_not_reached;
      answer.reason = "position 0:99 was not applied in time; ask again";
    }
    last = std::move(ask);
    done(std::move(answer));
  }

  std::shared_ptr<void> watch(std::string, std::string, query_done) override { return nullptr; }
  void health(reply<node_health> done) override { done(state); }
  void actors(reply<std::vector<actor_row>> done) override {
    actor_row row;
    row.id = 1;
    row.name = "supervisor";
    done({row});
  }
  void actor(uint64_t id, reply<actor_detail> done) override {
    actor_detail x;
    x.found = id == 1;
    x.row.id = id;
    x.fields = {{"clicks", "12"}};
    done(std::move(x));
  }
  void audit(reply<audit_reply> done) override {
    audit_reply x;
    x.differences = {{"page_totals", "/p", 3, 4}};
    done(std::move(x));
  }
  std::string metrics() override { return "footfall_up 1\n"; }

  /// Waits until `n` requests are held back, then answers them from another thread.
  bool release(size_t n) {
    std::unique_lock guard{mutex_};
    if (!arrived_.wait_for(guard, 10s, [&] { return held_.size() >= n; }))
      return false;
    auto calls = std::move(held_);
    held_.clear();
    guard.unlock();
    std::thread{[&] {
      for (auto& call : calls)
        call();
    }}.join();
    return true;
  }

  static event_result result_of(const click_event& event) {
    event_result x;
    x.event_id = event.event_id.empty() ? "made-id" : event.event_id;
    x.at_us = event.at_us == unset_time ? 1'762'372'800'500'000 : event.at_us;
    x.status = outcome::accepted;
    x.pos = {2, 42};
    auto fails = [&](outcome status, errc code, const char* reason) {
      x.status = status;
      x.code = code;
      x.reason = reason;
    };
    if (event.user_id == "invalid")
      fails(outcome::rejected, errc::invalid_argument, "user_id has 9 bytes; the limit is 8");
    if (event.user_id == "full")
      fails(outcome::rejected, errc::overloaded, "the queue is full");
    if (event.user_id == "disk")
      fails(outcome::rejected, errc::disk_full, "no space");
    if (event.user_id == "lost")
      fails(outcome::unknown, errc::timeout, "the log did not confirm in time");
    return x;
  }

  std::atomic<bool> hold{false};
  std::vector<click_event> seen;
  query_ask last;
  node_health state;

private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::function<void()>> held_;
};

/// A connection that sends and reads raw bytes.
class client {
public:
  explicit client(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  }
  ~client() { ::close(fd_); }
  client(const client&) = delete;

  void send(std::string_view text) {
    while (!text.empty()) {
      const auto n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0)
        return;
      text.remove_prefix(static_cast<size_t>(n));
    }
  }

  /// One response: the head and as many bytes as it announces.
  std::string receive(bool with_body = true) {
    while (in_.find("\r\n\r\n") == std::string::npos)
      if (!more())
        return std::exchange(in_, {});
    auto size = in_.find("\r\n\r\n") + 4;
    const auto at = in_.find("Content-Length: ");
    if (with_body && at < size)
      size += std::stoul(in_.substr(at + 16));
    while (in_.size() < size)
      if (!more())
        break;
    auto out = in_.substr(0, size);
    in_.erase(0, size);
    return out;
  }

  std::string ask(std::string_view text) {
    send(text);
    return receive();
  }

  /// True when the server hung up and nothing is left.
  bool ended() {
    while (more()) {
    }
    return in_.empty() && ended_;
  }

private:
  bool more() {
    char buffer[65536];
    const auto n = ::recv(fd_, buffer, sizeof buffer, 0);
    ended_ = n == 0;
    if (n <= 0)
      return false;
    in_.append(buffer, static_cast<size_t>(n));
    return true;
  }

  int fd_;
  std::string in_;
  bool ended_ = false;
};

struct http_fixture {
  fake_handler handler;
  metrics counters;
  http_config config;
  std::unique_ptr<http_server> server;

  http_ports ports() {
    if (!server) {
      auto made = http_server::open(config, handler, counters,
                                    [] { return int64_t{1'762'372'800'000'000}; });
      REQUIRE(made);
      server = std::move(*made);
    }
    return server->ports();
  }
};

std::string post(std::string_view path, std::string_view body, std::string_view headers = "") {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers)
         + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string get(std::string_view target, std::string_view headers = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n";
}

std::string body_of(const std::string& response) {
  const auto at = response.find("\r\n\r\n");
  return at == std::string::npos ? "" : response.substr(at + 4);
}

unsigned status_of(const std::string& response) {
  return response.size() < 12 ? 0 : static_cast<unsigned>(std::stoul(response.substr(9, 3)));
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string event(std::string_view id, std::string_view user = "u") {
  return "{\"event_id\":\"" + std::string(id) + "\",\"user_id\":\"" + std::string(user)
         + "\",\"event_type\":\"click\",\"page_url\":\"/p\"}";
}

} // namespace

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
  c.send("HEAD /ingest HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(status_of(c.receive(false)) == 405);
  for (auto path : {"/ingest/", "//ingest", "/INGEST", "/", "/healthz"})
    CHECK(status_of(c.ask(post(path, event("a")))) == 404);
  CHECK(status_of(c.ask("OPTIONS /ingest HTTP/1.1\r\nHost: x\r\n\r\n")) == 405);
  CHECK(status_of(c.ask("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")) == 404);
  CHECK(status_of(c.ask(post("/ingest", event("a"), "Content-Encoding: gzip\r\n"))) == 415);
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
  auto bad =
      c.ask("POST /ingest HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n"
            "{}{}GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(status_of(bad) == 400);
  CHECK(has(bad, "Connection: close\r\n"));
  CHECK(has(bad, "application/problem+json"));
  CHECK(c.ended());
  client big{port};
  CHECK(status_of(big.ask("POST /ingest HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n"
                          + std::string(1'000'000, 'x')))
        == 413);
  CHECK(big.ended());
  client tls{port};
  CHECK(status_of(tls.ask("\x16\x03\x01\x02")) == 400);
  // A first chunk that is the last, byte by byte: Beast's own assertions fail here.
  client drip{port};
  drip.send("POST /ingest HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (char x : std::string{"0\r\n\r\n"})
    drip.send({&x, 1});
  CHECK(status_of(drip.receive()) == 400);
  CHECK(status_of(drip.ask(post("/ingest", event("a")))) == 200);
  CHECK(handler.seen.size() == 1);
}

TEST_CASE_METHOD(http_fixture, "100-continue is answered before the body", "[contract][http]") {
  client c{ports().ingest};
  const auto body = event("a");
  c.send("POST /ingest HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: "
         + std::to_string(body.size()) + "\r\n\r\n");
  CHECK(c.receive() == "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(status_of(c.ask(body)) == 200);
  CHECK(status_of(c.ask("POST /no HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
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
  body.send("POST /ingest HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{");
  CHECK(status_of(body.receive()) == 408);
  CHECK(body.ended());
  client silent{port};
  CHECK(silent.ended());
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

TEST_CASE_METHOD(http_fixture, "counts are answered as the reference does", "[contract][http]") {
  client c{ports().query};
  const std::string pair = R"({"user_id":"u","page_url":"/a&b"})";
  auto answer = c.ask("GET /analytics/events HTTP/1.1\r\nHost: x\r\nContent-Length: "
                      + std::to_string(pair.size()) + "\r\n\r\n" + pair);
  CHECK(status_of(answer) == 200);
  CHECK(body_of(answer) == "{\"count\":4,\"page_url\":\"/a\\u0026b\",\"user_id\":\"u\"}\n");
  CHECK(has(answer, "Footfall-Source: cache\r\n"));
  CHECK(has(answer, "Footfall-As-Of: 2025-11-05T20:00:00Z\r\n"));
  CHECK(has(answer, "Footfall-Position: 0:7,1:3\r\n"));
  auto query = c.ask(get("/analytics/events?user_id=u+1&page_url=%2Fp&site=shop"));
  CHECK(status_of(query) == 200);
  CHECK(handler.last.user_id == "u 1");
  CHECK(handler.last.page_url == "/p");
  CHECK(handler.last.site_id == "shop");
  auto own = c.ask(get("/analytics/events?user_id=u&page_url=/p", "Footfall-After: 0:5,1:2\r\n"));
  CHECK(status_of(own) == 200);
  CHECK(handler.last.after.size() == 2);
  auto late = c.ask(get("/analytics/events?user_id=u&page_url=/p", "Footfall-After: 0:99\r\n"));
  CHECK(status_of(late) == 504);
  CHECK(has(late, "\"position\":\"0:7,1:3\""));
  CHECK(has(late, "Footfall-Position: 0:7,1:3\r\n"));
  for (auto bad :
       {"/analytics/events", "/analytics/events?user_id=u", "/analytics/events?page_url=/p",
        "/analytics/events?user_id=%ff&page_url=/p", "/analytics/events?user_id=%00&page_url=/p",
        "/analytics/events?user_id=u&page_url="})
    CHECK(status_of(c.ask(get(bad))) == 400);
  CHECK(status_of(c.ask(get("/analytics/events?user_id=u&page_url=/p", "Footfall-After: x\r\n")))
        == 400);
  CHECK(status_of(c.ask(get("/analytics/events?user_id=u&page_url=/p", "Footfall-After:\r\n")))
        == 400);
  CHECK(status_of(c.ask(post("/analytics/events", pair))) == 405);
  CHECK(status_of(c.ask(get("/analytics/events/"))) == 404);
}

TEST_CASE_METHOD(http_fixture, "statistics are answered with their freshness", "[contract][http]") {
  client c{ports().query};
  const std::string freshness = "\"more\":false,\"source\":\"cache\",\"as_of\":"
                                "\"2025-11-05T20:00:00Z\",\"position\":\"0:7,1:3\"}\n";
  std::string ones = "1";
  for (int i = 1; i < 60; ++i)
    ones += ",1";
  CHECK(body_of(c.ask(get("/v1/stats/page?page_url=/p")))
        == "{\"page_url\":\"/p\",\"clicks\":4,\"users\":2,\"by_type\":{\"click\":3,\"view\":1},"
           "\"last_60_minutes\":["
               + ones + "]," + freshness);
  CHECK(body_of(c.ask(get("/v1/stats/top-pages?limit=5")))
        == "{\"pages\":[{\"page_url\":\"/a\\u0026b\",\"clicks\":3,\"users\":2}]," + freshness);
  CHECK(handler.last.limit == 5);
  CHECK(has(c.ask(get("/v1/stats/top-pages?from=2025-11-05T19:00:00Z&to=2025-11-05T20:00:00Z")),
            "\"users\":null"));
  CHECK(body_of(c.ask(get("/v1/stats/series?step=hour")))
        == "{\"step\":\"hour\",\"from\":\"2025-11-04T21:00:00Z\",\"to\":\"2025-11-05T21:00:00Z\","
           "\"points\":[{\"at\":\"2025-11-04T21:00:00Z\",\"clicks\":9}],"
               + freshness);
  CHECK(body_of(c.ask(get("/v1/stats/users?page_url=/p")))
        == "{\"page_url\":\"/p\",\"users\":[{\"user_id\":\"/a\\u0026b\",\"clicks\":3}],"
               + freshness);
  CHECK(body_of(c.ask(get("/v1/stats/count?page_url=/p&user_id=u")))
        == "{\"user_id\":\"u\",\"page_url\":\"/p\",\"count\":4," + freshness);
  c.send("HEAD /v1/stats/top-pages HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(status_of(c.receive(false)) == 200);
  for (auto bad :
       {"/v1/stats/page", "/v1/stats/page?page_url=/p&x=1", "/v1/stats/top-pages?limit=0",
        "/v1/stats/top-pages?limit=1001", "/v1/stats/top-pages?limit=-1",
        "/v1/stats/top-pages?limit=5x", "/v1/stats/series?step=week",
        "/v1/stats/series?from=yesterday", "/v1/stats/series?page_url=",
        "/v1/stats/series?from=2025-11-05T20:00:00Z&to=2025-11-05T19:00:00Z",
        "/v1/stats/series?from=2001-01-01T00:00:00Z", "/v1/stats/users?page_url=/p&limit=",
        "/v1/stats/users?page_url=/p&page_url=/q", "/v1/stats/count?page_url=/p",
        "/v1/stats/page?page_url=%zz", "/v1/stats/page?page_url=/p&site=a%2Fb"}) {
    INFO(bad);
    auto answer = c.ask(get(bad));
    CHECK(status_of(answer) == 400);
    CHECK(has(answer, "\"type\":\"urn:footfall:problem:invalid_argument\""));
  }
}

TEST_CASE_METHOD(http_fixture, "the admin port tells how the node is", "[contract][http]") {
  client c{ports().admin};
  handler.state.roles = {{"log", "no space"}};
  CHECK(status_of(c.ask(get("/healthz"))) == 200);
  auto not_ready = c.ask(get("/readyz"));
  CHECK(status_of(not_ready) == 503);
  CHECK(has(not_ready, "log: no space"));
  handler.state.ready = true;
  handler.state.roles = {{"log", "ok"}};
  CHECK(body_of(c.ask(get("/readyz")))
        == "{\"live\":true,\"ready\":true,\"draining\":false,\"roles\":{\"log\":\"ok\"}}\n");
  handler.state.live = false;
  CHECK(status_of(c.ask(get("/healthz"))) == 503);
  auto text = c.ask(get("/metrics"));
  CHECK(has(text, "Content-Type: text/plain; version=0.0.4"));
  CHECK(body_of(text) == "footfall_up 1\n");
  CHECK(has(c.ask(get("/version")), "\"version\":\""));
  CHECK(has(c.ask(get("/actors")), "{\"total\":1,\"more\":false,\"actors\":[{\"id\":1,"));
  CHECK(has(c.ask(get("/actors?view=tree")), "\"children\":[]"));
  CHECK(status_of(c.ask(get("/actors?sort=size"))) == 400);
  CHECK(has(c.ask(get("/actors/1")), "\"fields\":{\"clicks\":12}"));
  CHECK(status_of(c.ask(get("/actors/2"))) == 404);
  CHECK(status_of(c.ask(get("/actors/x"))) == 400);
  CHECK(has(c.ask(get("/cluster")), "{\"nodes\":[{\"self\":true,"));
  CHECK(body_of(c.ask(get("/admin/audit")))
        == "{\"ok\":false,\"differences\":[{\"table\":\"page_totals\",\"key\":\"/p\","
           "\"expected\":3,\"found\":4}]}\n");
  CHECK(status_of(c.ask(get("/"))) == 404);
  CHECK(status_of(c.ask(post("/healthz", ""))) == 405);
}

TEST_CASE_METHOD(http_fixture, "a drain lets what was admitted finish", "[contract][http]") {
  const auto all = ports();
  client busy{all.ingest};
  client idle{all.ingest};
  handler.hold = true;
  busy.send(post("/ingest", event("a")));
  CHECK(status_of(idle.ask(get("/nowhere"))) == 404);
  std::thread drain{[&] { server->drain(10s); }};
  CHECK(idle.ended());
  REQUIRE(handler.release(1));
  auto answer = busy.receive();
  CHECK(status_of(answer) == 200);
  CHECK(has(answer, "Connection: close\r\n"));
  CHECK(busy.ended());
  drain.join();
  client admin{all.admin};
  CHECK(status_of(admin.ask(get("/version"))) == 200);
}

TEST_CASE_METHOD(http_fixture, "a stopped server leaves no connection and takes no answer",
                 "[contract][http]") {
  client c{ports().ingest};
  handler.hold = true;
  c.send(post("/ingest", event("a")));
  while (counters.http_requests == 0)
    std::this_thread::yield();
  server->stop();
  CHECK(c.ended());
  CHECK(handler.release(1));
  CHECK(counters.http_connections == 0);
}

TEST_CASE_METHOD(http_fixture, "a taken port is refused with its name", "[contract][http]") {
  config.query_port = ports().ingest;
  auto second = http_server::open(config, handler, counters, system_now_us);
  REQUIRE_FALSE(second);
  CHECK(has(text_of(second.error()), "query port"));
}
