// What an import makes of a line.
#include <catch2/catch.hpp>

#include <set>

#include "actors/model/event_json.hpp"
#include "app/import/filters.hpp"
#include "app/import/log_time.hpp"
#include "tests/contract/import_lines.hpp"

using namespace footfall;
using namespace footfall::app;
using namespace footfall::test;
using Catch::Matchers::Contains;

TEST_CASE("a line of an access log is a click", "[contract][import]") {
  auto x = read_access(whole);
  REQUIRE(x.why.empty());
  CHECK(x.event.user_id == "83.149.9.216");
  CHECK(x.event.page_url == "/a/b.png?x=1");
  CHECK(x.event.event_type == "click");
  CHECK(x.event.at_us == 1'431'857'103'000'000);
}

TEST_CASE("the zone of a log line counts, and days are real", "[contract][import]") {
  int64_t at_us = 0;
  for (auto text : {"17/May/2015:12:35:03 +0230", "17/May/2015:00:05:03 -1000"}) {
    REQUIRE(parse_log_time(text, at_us));
    CHECK(at_us == 1'431'857'103'000'000);
  }
  CHECK(parse_log_time("29/Feb/2024:00:00:00 +0000", at_us));
  for (auto text :
       {"31/Feb/2015:10:05:03 +0000", "29/Feb/2023:10:05:03 +0000", "31/Apr/2015:10:05:03 +0000",
        "00/May/2015:10:05:03 +0000", "17/Mai/2015:10:05:03 +0000", "17/May/2015:24:05:03 +0000",
        "17/May/2015:1x:05:03 +0000", "17/May/2015:10:05:03 0000", "17/May/2015:10:05:60 +0000",
        "17/May/2015:23:59:60 +0000", "17/May/2015:10:05:03"})
    CHECK_FALSE(parse_log_time(text, at_us));
}

TEST_CASE("times of JSON and W3C logs are read", "[contract][import]") {
  int64_t at_us = 0;
  for (auto text : {"2015-05-17T10:05:03Z", "2015-05-17T12:05:03+0200", "2015-05-17 12:05:03+02:00",
                    "17/May/2015:10:05:03 +0000", "1431857103", "1431857103000", "1431857103.0"}) {
    at_us = 0;
    CHECK(parse_any_time(text, at_us));
    CHECK(at_us == 1'431'857'103'000'000);
  }
  CHECK(parse_epoch(1703373474.8155608, at_us));
  CHECK(at_us / 1000 == 1'703'373'474'815);
  for (auto text : {"", "yesterday", "2015-02-31T10:05:03Z", "2015-02-31T10:05:03+0000",
                    "2015/05/17 10:05:03", "-5", "nan"})
    CHECK_FALSE(parse_any_time(text, at_us));
  CHECK(parse_w3c_time("2015-05-17", "10:05:03", at_us));
  CHECK(at_us == 1'431'857'103'000'000);
  CHECK(parse_w3c_time("2015-05-17", "10:05:03.25", at_us));
  CHECK(at_us == 1'431'857'103'250'000);
  CHECK_FALSE(parse_w3c_time("2015-02-30", "10:05:03", at_us));
}

TEST_CASE("the client is found where it stands", "[contract][import]") {
  const std::pair<const char*, const char*> table[] = {
      {"192.0.2.1 - -", "192.0.2.1"},
      {"2001:db8::1 - ada", "2001:db8::1"},
      {"client.example - -", "client.example"},
      {"192.0.2.1 - Ada King", "192.0.2.1"},
      {"192.0.2.1:4711 - -", "192.0.2.1"},
      {"[2001:db8::1]:443 - -", "2001:db8::1"},
      {"www.example.com:80 192.0.2.1 - -", "192.0.2.1"},
      {"www.example.com 192.0.2.1 - -", "192.0.2.1"},
      {"198.51.100.1:80 192.0.2.1 - -", "192.0.2.1"},
      {"www.example.com:443 client.example - -", "client.example"},
      {"www.example.com client.example - -", "client.example"},
      {"www.example.com:80 192.0.2.12, 198.51.100.17 - -", "192.0.2.12"},
      {"192.0.2.12, 198.51.100.17 - -", "192.0.2.12"},
      {"192.0.2.12,198.51.100.17,198.51.100.2 - -", "192.0.2.12"},
      {"unknown, 192.0.2.12, 198.51.100.17 - -", "192.0.2.12"},
      {"192.0.2.12:1234, 198.51.100.17 - -", "192.0.2.12"},
      {"\"192.0.2.12, 198.51.100.4\"", "192.0.2.12"},
      {"\"192.0.2.12\"", "192.0.2.12"},
      {"\"2001:db8::7, 198.51.100.4\" - -", "2001:db8::7"}};
  for (auto [start, user] : table) {
    auto x = read_access(with_start(start));
    INFO(start);
    CHECK(x.why.empty());
    CHECK(x.event.user_id == user);
  }
}

TEST_CASE("a word that is no client is not believed", "[contract][import]") {
  for (auto start :
       {"", " - -", "- - -", "12345 - -", "0.004 192.0.2.1 - -", "192.0.2.256 - -", "192.0.2 - -",
        "www.example.com:80 - -", "a_b!c - -", "unknown - -", "\"-\" - -", "unknown, - - -",
        "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be bucket",
        "Oct 10 13:55:36 web1 nginx: 192.0.2.1 - -", "web1 nginx: 192.0.2.1", "-host - -",
        "192.0.2.1 198.51.100.9 - -", "2015-05-17 10:05:03 192.0.2.1 - -"}) {
    INFO(start);
    CHECK(read_access(with_start(start)).fate == line_fate::refused);
  }
}

TEST_CASE("the target ends before the closing quote", "[contract][import]") {
  const std::pair<const char*, const char*> table[] = {
      {R"("GET /p HTTP/1.1" 200 235 "-" "Mozilla/5.0 (compatible; Google)", "/p"},
      {R"("GET /p HTTP/1.1" 200 235 "-" "a "quoted" agent")", "/p"},
      {R"("GET /p HTTP/2" 200 1)", "/p"},
      {R"("GET /p")", "/p"},
      {R"("GET /a b HTTP/1.1" 200 1)", "/a b"},
      {R"("GET /?q=\"tea\" HTTP/1.1" 200 1)", "/?q=\"tea\""},
      {R"("GET /?q="tea" HTTP/1.1" 200 1)", "/?q=\"tea\""},
      {R"("GET /?q=\x22tea\x22 HTTP/1.1" 200 1)", "/?q=\"tea\""},
      {R"("GET /\\ HTTP/1.1" 200 1)", "/\\"},
      {R"("GET /\xc3\xa9 HTTP/1.1" 200 1)", "/\xc3\xa9"},
      {R"("GET /\xe4 HTTP/1.1" 200 1)", R"(/\xe4)"},
      {R"("GET /\n HTTP/1.1" 200 1)", R"(/\n)"},
      {R"("PATCH /p HTTP/1.1" 200 1)", "/p"},
      {R"("OPTIONS /p HTTP/1.1" 200 1)", "/p"},
      {R"("GET https://www.example.com/p HTTP/1.1" 200 1)", "https://www.example.com/p"}};
  for (auto [request, page] : table) {
    auto x = read_access(with_request(request));
    INFO(request);
    CHECK(x.why.empty());
    CHECK(x.event.page_url == page);
  }
}

TEST_CASE("a line that is no log line says why", "[contract][import]") {
  const std::pair<std::string, const char*> table[] = {
      {"word", "address"},
      {" - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\"", "address"},
      {"a - - 17/May/2015", "brackets"},
      {"a - - [17/May/2015:10:05:03 +0000", "brackets"},
      {"a - - [17/Mai/2015:10:05:03 +0000] \"GET / HTTP/1.1\"", "time"},
      {with_request("GET /"), "quoted"},
      {with_request(R"(192.0.2.3 "GET / HTTP/1.1" 200 1)"), "quoted"},
      {with_request(R"("-" 408 0)"), "no request"},
      {with_request(R"("" 408 0)"), "no request"},
      {with_request(R"("GET" 400 0)"), "target"},
      {with_request(R"("GET  HTTP/1.1" 400 0)"), "target"},
      {with_request(R"("GET HTTP/1.1" 400 0)"), "target"},
      {with_request(R"("GET /p)"), "closing quote"},
      {with_request(R"("GET /p HTTP/1.1)"), "closing quote"},
      {with_request(R"("GET /p HTTP/1.1\")"), "closing quote"},
      {with_request(R"("GET /a b" 400 0)"), "version"},
      {with_request(R"("get /p HTTP/1.1" 400 0)"), "method"},
      {with_request(R"("PROPFIND /p HTTP/1.1" 405 0)"), "method"},
      {with_request(R"("\x16\x03\x01" 400 0)"), "method"},
      {with_request(R"("OPTIONS * HTTP/1.1" 200 0)"), "*"},
      {with_request(R"("CONNECT h:80 HTTP/1.1" 400 0)"), "CONNECT"},
      {with_request(R"("GET %. HTTP/1.1" 400 0)"), "begin with /"},
      {with_request("\"GET /\xff HTTP/1.1\" 200 1"), "page_url"},
      {with_request("\"GET /" + std::string(2048, 'x') + " HTTP/1.1\" 200 1"), "page_url"}};
  for (const auto& [line, part] : table) {
    INFO(line.substr(0, 90));
    CHECK_THAT(read_access(line).why, Contains(part));
  }
}

TEST_CASE("ids repeat with source, time, text and ordinal", "[contract][import]") {
  std::set<std::string> all;
  line_ids some{""}, others{"b"};
  for (int i = 0; i < 3; ++i) {
    all.insert(some.of(1'000'000, "x"));
    all.insert(some.of(2'000'000, "x"));
    all.insert(some.of(1'000'000, "y"));
    all.insert(others.of(1'000'000, "x"));
  }
  CHECK(all.size() == 12);
  CHECK(some.repeated() == 6);
  // Read again, from another place on.
  line_ids again{""};
  CHECK(all.count(again.of(1'000'000, "y")) == 1);
  for (int i = 0; i < 3; ++i)
    CHECK(all.count(again.of(1'000'000, "x")) == 1);
  CHECK(all.count(again.of(1'000'000, "x")) == 0);
  CHECK(all.begin()->at(14) == '7');
  // This is what was stored once: it must never change.
  CHECK(line_ids{"web1"}.of(1'431'857'103'000'000, whole)
        == "014d6155-8098-7146-9a2f-77b549930369");
}

TEST_CASE("which of identical lines it is does not depend on where a piece begins",
          "[contract][import]") {
  constexpr uint32_t near = ordinals::window;
  for (uint32_t before : {0u, 1u, near / 2, near - 1, near, near + 1}) {
    ordinals x;
    uint64_t filler = 1 << 20;
    for (uint32_t i = 0; i < before; ++i)
      x.next(++filler);
    CHECK(x.next(7) == 0);
    CHECK(x.next(7) == 1);
    for (uint32_t i = 0; i < near - 1; ++i)
      x.next(++filler);
    CHECK(x.next(7) == 2);
    for (uint32_t i = 0; i < near; ++i)
      x.next(++filler);
    CHECK(x.next(7) == 0);
  }
}

TEST_CASE("W3C logs are read by their own fields", "[contract][import]") {
  const std::string fields = "#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status";
  auto x = read_line(log_format::w3c, "2015-05-17 10:05:03 192.0.2.4 GET /a q=1 200", {}, fields);
  CHECK(x.why.empty());
  CHECK(x.event.user_id == "192.0.2.4");
  CHECK(x.event.page_url == "/a?q=1");
  CHECK(x.event.at_us == 1'431'857'103'000'000);
  CHECK(read_line(log_format::w3c, "2015-05-17 10:05:03 192.0.2.4 GET /a - 200", {}, fields)
            .event.page_url
        == "/a");
  const std::pair<const char*, const char*> bad[] = {
      {"2015-02-31 10:05:03 192.0.2.4 GET /a - 200", "no such time"},
      {"2015-05-17 10:05:03 - GET /a - 200", "c-ip"},
      {"2015-05-17 10:05:03 192.0.2.4 SSH /a - 200", "method"},
      {"2015-05-17 10:05:03 192.0.2.4 GET - - 200", "target"},
      {"2015-05-17 10:05:03 192.0.2.4 GET /a", "cut off"}};
  for (auto [line, part] : bad)
    CHECK_THAT(read_line(log_format::w3c, line, {}, fields).why, Contains(part));
  CHECK_THAT(read_line(log_format::w3c, "2015-05-17 10:05:03 192.0.2.4 GET /a").why,
             Contains("#Fields"));
  CHECK(
      read_line(log_format::w3c, "10:05:03\t192.0.2.4\t/b c", {}, "#Fields: time c-ip cs-uri-stem")
          .fate
      == line_fate::refused);
  log_parser dated{log_format::w3c, {}};
  click_event event;
  std::string why;
  for (auto line : {"#Date: 2015-05-17 00:00:00", "#Fields: time c-ip cs-uri-stem"})
    CHECK(dated.read(line, event, why) == line_fate::directive);
  CHECK(dated.read("10:05:03 192.0.2.4 \"/b c\"", event, why) == line_fate::event);
  CHECK(event.page_url == "/b c");
  CHECK(event.at_us == 1'431'857'103'000'000);
}

TEST_CASE("JSON logs are read under their usual names", "[contract][import]") {
  const std::pair<const char*, const char*> table[] = {
      {R"({"time_iso8601":"2015-05-17T10:05:03+00:00","remote_addr":"192.0.2.4",)"
       R"("request_uri":"/a"})",
       "/a"},
      {R"({"time_local":"17/May/2015:10:05:03 +0000","remote_addr":"192.0.2.4",)"
       R"("request":"GET /a?b=1 HTTP/1.1","uri":"/a"})",
       "/a?b=1"},
      {R"({"msec":"1431857103.000","remote_addr":"192.0.2.4, 198.51.100.7","uri":"/a",)"
       R"("args":"b=1"})",
       "/a?b=1"},
      {R"({"ts":1431857103,"request":{"client_ip":"192.0.2.4","remote_ip":"198.51.100.7",)"
       R"("method":"GET","uri":"/a"},"status":200})",
       "/a"},
      {R"({"StartUTC":"2015-05-17T10:05:03.000000001Z","ClientHost":"192.0.2.4",)"
       R"("RequestMethod":"GET","RequestPath":"/a"})",
       "/a"}};
  for (auto [line, page] : table) {
    auto x = read_line(log_format::json, line);
    INFO(line);
    CHECK(x.why.empty());
    CHECK(x.event.user_id == "192.0.2.4");
    CHECK(x.event.page_url == page);
    CHECK(x.event.at_us == 1'431'857'103'000'000);
  }
  const std::pair<const char*, const char*> bad[] = {
      {R"({"ts":1431857103,"remote_addr":"192.0.2.4"})", "no page"},
      {R"({"ts":1431857103,"uri":"/a"})", "no client"},
      {R"({"remote_addr":"192.0.2.4","uri":"/a"})", "no time"},
      {R"({"ts":"31/Feb/2015:10:05:03 +0000","remote_addr":"192.0.2.4","uri":"/a"})", "time"},
      {R"({"ts":1431857103,"remote_addr":"!","uri":"/a"})", "client"},
      {R"({"ts":1431857103,"remote_addr":"192.0.2.4","uri":"*","method":"OPTIONS"})", "*"},
      {R"({"ts":1431857103,"remote_addr":"192.0.2.4","uri":"/","method":"SSH"})", "method"},
      {R"({"ts":1431857103,"remote_addr":"192.0.2.4","uri)", "whole"}};
  for (auto [line, part] : bad)
    CHECK_THAT(read_line(log_format::json, line).why, Contains(part));
}

TEST_CASE("most of the first lines decide the format", "[contract][import]") {
  const std::string event = R"({"user_id":"u","event_type":"t","page_url":"/p"})";
  const std::string hit = R"({"ts":1,"user_id":"","request":{"remote_ip":"192.0.2.1","uri":"/"}})";
  auto guess = [](const std::vector<std::string>& lines) {
    format_guess x;
    for (const auto& line : lines)
      x.add({line});
    return x.best();
  };
  CHECK(guess({"turned over", event, "", event}) == log_format::events);
  CHECK(guess({hit}) == log_format::json);
  CHECK(guess({event, whole, whole}) == log_format::access);
  CHECK(guess({"#Version: 1.0", "#Fields: date time"}) == log_format::w3c);
  CHECK(guess({"2015-05-17 10:05:03 192.0.2.4 GET /a"}) == log_format::w3c);
  CHECK(guess({"", "nonsense"}) == log_format::access);
  CHECK(guess({}) == log_format::access);
}

TEST_CASE("what an import sends is what it read", "[contract][import]") {
  parse_rules rules;
  rules.site = "shop";
  const std::string line = R"({"user_id":"a\"\\\n\u00e9","event_type":"t","page_url":"/p"})";
  auto x = read_line(log_format::events, line, rules);
  REQUIRE(x.fate == line_fate::event);
  CHECK(x.event.site_id == "shop");
  CHECK(x.event.event_id == line_ids{""}.of(unset_time, line));
  x = read_line(log_format::events, R"({"event_id":"e","user_id":"a\"\\\n\u00e9","event_type":"t",)"
                                    R"("page_url":"/p","time_stamp":"2025-11-05T20:00:00.25Z"})");
  std::string text;
  append_ndjson(text, x.event);
  CHECK(text.back() == '\n');
  auto again = model::event_json_parser{}.parse_event(text);
  REQUIRE(again.reason.empty());
  CHECK(again.event.event_id == "e");
  CHECK(again.event.user_id == x.event.user_id);
  CHECK(again.event.page_url == "/p");
  CHECK(again.event.at_us == x.event.at_us);
  CHECK(read_line(log_format::events, "{").fate == line_fate::refused);
  CHECK(read_line(log_format::events, R"({"user_id":"u","event_type":"t"})").fate
        == line_fate::refused);
}

TEST_CASE("pages are told from what they are made of, people from bots", "[contract][import]") {
  for (auto page : {"/", "/docs", "/a.html", "/v1.2/", "/x.php?file=a.css", "/a.b/c"})
    CHECK_FALSE(is_static_file(page));
  for (auto file :
       {"/a.css", "/A.PNG", "/x/app.min.js?v=1", "/favicon.ico", "/robots.txt", "/sitemap.xml"})
    CHECK(is_static_file(file));
  for (auto agent :
       {"Googlebot/2.1", "UptimeRobot/2.0", "curl/7.88", "python-requests/2", "Go-http-client/1.1",
        "Mozilla/5.0 (compatible; bingbot/2.0)", "facebookexternalhit/1.1", "Baiduspider",
        "Apache/2.4 (internal dummy connection)", "Mozilla/5.0 HeadlessChrome/120.0", "Wget/1.21"})
    CHECK(is_bot(agent));
  for (auto agent :
       {"", "-", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/17.0 Safari/605.1.15",
        "Mozilla/5.0 (Linux; Android 9; CUBOT X19) Chrome/92 Mobile Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0"})
    CHECK_FALSE(is_bot(agent));
  parse_rules strict;
  strict.only_pages = strict.skip_bots = true;
  auto fate = [&](const std::string& rest) { return read_access(with_request(rest), strict).fate; };
  CHECK(fate(R"("GET /p HTTP/1.1" 200 1 "-" "Firefox")") == line_fate::event);
  CHECK(fate(R"("GET /p HTTP/1.1" 304 - "-" "Firefox")") == line_fate::event);
  CHECK(fate(R"("GET /p HTTP/1.1" 200 1)") == line_fate::event);
  CHECK(fate(R"("GET /p HTTP/1.1" 206 1 "http://x/?q=\"bot\"" "Firefox")") == line_fate::event);
  for (auto rest :
       {R"("HEAD /p HTTP/1.1" 200 1)", R"("POST /p HTTP/1.1" 200 1)", R"("GET /p HTTP/1.1" 404 1)",
        R"("GET /p HTTP/1.1" 301 1)", R"("GET /p.css HTTP/1.1" 200 1)"})
    CHECK(fate(rest) == line_fate::not_page);
  CHECK(fate(R"("GET /p HTTP/1.1" 200 1 "-" "Googlebot/2.1")") == line_fate::bot);
  CHECK(fate(R"("GET /p HTTP/1.1" 200 1 "-" "Googlebot/2.1 (broken)") == line_fate::bot);
}
