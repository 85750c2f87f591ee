#include "net/http/origin_guard.hpp"
#include "tests/contract/http_fixture.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

http::request request_of(http::method verb, std::string host, std::string origin = "",
                         std::string site = "") {
  http::request x;
  x.verb = verb;
  x.kept[static_cast<size_t>(http::header::host)] = std::move(host);
  x.kept[static_cast<size_t>(http::header::origin)] = std::move(origin);
  x.kept[static_cast<size_t>(http::header::fetch_site)] = std::move(site);
  return x;
}

unsigned status_of(const http::origin_guard& guard, const http::request& x) {
  const auto bad = guard.check(x);
  return bad ? bad->status : 200;
}

constexpr auto reads = http::method::get, writes = http::method::post;

} // namespace

TEST_CASE("a loopback port answers to its own names alone", "[net][http][guard]") {
  const http::origin_guard guard{{"Stats.Example.com"}, true};
  for (auto host : {"localhost", "LOCALHOST:8080", "app.localhost", "127.0.0.1:1", "127.8.9.1",
                    "[::1]:8080", "10.0.0.7", "stats.example.com", "stats.example.com.:443", ""})
    CHECK(status_of(guard, request_of(reads, host)) == 200);
  for (auto host : {"evil.example", "localhost.evil.example", "evillocalhost", "127.0.0.1.nip.io",
                    "x", "example.com", "stats.example.com.evil", "0x7f000001"}) {
    INFO(host);
    CHECK(status_of(guard, request_of(reads, host)) == 421);
    CHECK(status_of(guard, request_of(writes, host)) == 421);
  }
}

TEST_CASE("a port of a network checks names where some are given", "[net][http][guard]") {
  CHECK(status_of(http::origin_guard{{}, false}, request_of(reads, "any.example")) == 200);
  CHECK(status_of(http::origin_guard{{"a.example"}, false}, request_of(reads, "b.example")) == 421);
  CHECK(status_of(http::origin_guard{{"a.example"}, false}, request_of(reads, "10.1.2.3")) == 200);
}

TEST_CASE("a page of another origin changes nothing", "[net][http][guard]") {
  const http::origin_guard guard{{"shop.example"}, true};
  const auto check = [&](std::string origin, std::string site) {
    return status_of(guard,
                     request_of(writes, "localhost:8080", std::move(origin), std::move(site)));
  };
  CHECK(check("", "") == 200); // A program.
  CHECK(check("http://localhost:8080", "same-origin") == 200);
  CHECK(check("https://shop.example", "cross-site") == 200);
  CHECK(check("https://shop.example:8443", "cross-site") == 200);
  CHECK(check("", "cross-site") == 403);
  CHECK(check("null", "cross-site") == 403);
  CHECK(check("null", "") == 403);
  CHECK(check("https://evil.example", "") == 403);
  CHECK(check("http://localhost:3000", "same-site") == 403);
  CHECK(check("http://localhost", "same-site") == 403);
  CHECK(check("http://shop.example.evil", "cross-site") == 403);
  // Reading across origins gives a page nothing: it does not see the answer.
  CHECK(status_of(guard, request_of(reads, "localhost", "https://evil.example", "cross-site"))
        == 200);
}

TEST_CASE_METHOD(http_fixture, "every port keeps foreign pages out", "[net][http][guard]") {
  const auto at = ports();
  for (auto port : {at.ingest, at.query, at.admin}) {
    client c{port};
    const auto answer = c.ask("GET /version HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    CHECK(answer.substr(0, 12) == "HTTP/1.1 421");
    CHECK(answer.find("unknown_host") != std::string::npos);
  }
  client c{at.ingest};
  const std::string event = R"({"user_id":"u","event_type":"click","page_url":"/p"})";
  auto answer = c.ask(post("/ingest", event, "Origin: https://evil.example\r\n"));
  CHECK(answer.substr(0, 12) == "HTTP/1.1 403");
  CHECK(handler.seen.empty());
  // The connection goes on, and what a program sends is taken.
  answer = c.ask(post("/ingest", event));
  CHECK(handler.seen.size() == 1);
  // The target's host stands above the header.
  answer = c.ask("GET http://evil.example/ingest HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(answer.substr(0, 12) == "HTTP/1.1 421");
  answer = c.ask(post("/ingest", event, "Origin: http://a\r\nOrigin: http://localhost\r\n"));
  CHECK(answer.substr(0, 12) == "HTTP/1.1 400");
}
