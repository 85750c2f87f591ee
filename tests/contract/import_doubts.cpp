// Lines that are easily taken for something else.
#include <catch2/catch.hpp>

#include "app/import/log_time.hpp"
#include "tests/contract/import_lines.hpp"

using namespace footfall;
using namespace footfall::app;
using namespace footfall::test;
using Catch::Matchers::Contains;

TEST_CASE("an agent ends at its own quote", "[contract][import]") {
  parse_rules rules;
  rules.skip_bots = true;
  auto fate = [&](const std::string& rest) {
    return read_access(with_request(R"("GET /p HTTP/1.1" 200 1 "-" )" + rest), rules).fate;
  };
  CHECK(fate(R"("Firefox" "bot.example" "python")") == line_fate::event);
  CHECK(fate(R"("Firefox" 0.1 "Googlebot)") == line_fate::event);
  CHECK(fate(R"("a \"bot\" agent" "-")") == line_fate::bot);
  CHECK(fate(R"("Googlebot/2.1" "-")") == line_fate::bot);
  CHECK(fate(R"("" "Googlebot/2.1")") == line_fate::event);
}

TEST_CASE("a leap second stays in its day, however it is written", "[contract][import]") {
  int64_t at_us = 0;
  for (auto text :
       {"31/Dec/2016:23:59:60 +0000", "01/Jan/2017:05:29:60 +0530", "2016-12-31T23:59:60Z",
        "2016-12-31T23:59:60+0000", "2017-01-01 05:29:60+0530"}) {
    INFO(text);
    at_us = 0;
    CHECK(parse_any_time(text, at_us));
    CHECK(at_us == 1'483'228'799'000'000);
  }
  CHECK(parse_w3c_time("2016-12-31", "23:59:60.25", at_us));
  CHECK(at_us == 1'483'228'799'250'000);
  CHECK_FALSE(parse_w3c_time("2016-12-30", "23:59:60", at_us));
  CHECK_FALSE(parse_any_time("2016-12-30T23:59:60+0000", at_us));
}

TEST_CASE("a host in front of an address is not taken for the client", "[contract][import]") {
  for (auto start :
       {"cdn.example.com - 192.0.2.1 - -", "cdn.example.com - - 192.0.2.9",
        "localhost - 192.0.2.7 -", "cdn.example.com - - - - 2001:db8::1",
        "cdn.example.com - - \"192.0.2.9, 198.51.100.1\"",
        "cdn.example.com - - 192.0.2.9, 10.0.0.1", "cdn.example.com - 192.0.2.9:4711",
        "www.example.com:80 client.example - 192.0.2.1", "www.example.com 198.51.100.1 - 192.0.2.1",
        "198.51.100.1:80 198.51.100.2 - 192.0.2.1"}) {
    INFO(start);
    CHECK_THAT(read_access(with_start(start)).why, Contains("cannot be told"));
  }
  for (auto start : {"client.example - ada -", "client.example - Ada King the First",
                     "client.example - 1.2.3"}) {
    INFO(start);
    CHECK(read_access(with_start(start)).event.user_id == "client.example");
  }
  CHECK(read_access(with_start("192.0.2.1 - 198.51.100.7")).event.user_id == "192.0.2.1");
}

TEST_CASE("a W3C log's target is a page or refused, as in other logs", "[contract][import]") {
  const std::string fields = "#Fields: date time c-ip cs-method cs-uri";
  auto of = [&](const std::string& request) {
    return read_line(log_format::w3c, "2015-05-17 10:05:03 192.0.2.4 " + request, {}, fields);
  };
  const std::pair<const char*, const char*> bad[] = {
      {"GET evil.example", "begin with /"},         {"GET %.", "begin with /"},
      {"GET tcp://192.0.2.1:443/", "begin with /"}, {"OPTIONS *", "*"},
      {"CONNECT 192.0.2.1:443", "CONNECT"},         {"GET -", "target"}};
  for (auto [request, part] : bad) {
    INFO(request);
    CHECK_THAT(of(request).why, Contains(part));
  }
  for (auto page : {"/p", "https://www.example.com/p"})
    CHECK(of(std::string("GET ") + page).event.page_url == page);
}

TEST_CASE("a member of a JSON log that says nothing hides no other", "[contract][import]") {
  for (auto client : {R"("client_ip":"-")", R"("client_ip":"")", R"("client_ip":null)",
                      R"("client_ip":7)", R"("client_ip":{"a":"b"})"})
    for (auto time : {R"("ts":"-")", R"("ts":"")", R"("ts":{"sec":1})"}) {
      const auto line = std::string("{") + client + R"(,"remote_addr":"192.0.2.1",)"
                        + R"("request_uri":"-","path":"","url":"/a","status":"-",)"
                        + R"("status_code":404,)" + time + R"(,"date":"2015-05-17T10:05:03Z"})";
      INFO(line);
      auto x = read_line(log_format::json, line);
      CHECK(x.why.empty());
      CHECK(x.event.user_id == "192.0.2.1");
      CHECK(x.event.page_url == "/a");
      CHECK(x.event.at_us == 1'431'857'103'000'000);
      parse_rules pages;
      pages.only_pages = true;
      CHECK(read_line(log_format::json, line, pages).fate == line_fate::not_page);
    }
  // What says something, though nothing sensible, is not passed over.
  CHECK_THAT(read_line(log_format::json,
                       R"({"ts":1,"client_ip":"!","remote_addr":"192.0.2.1","uri":"/a"})")
                 .why,
             Contains("client"));
}

TEST_CASE("what Caddy says of a request beside its access line is no click", "[contract][import]") {
  const std::string rest = R"("ts":1703373474.8,"request":{"remote_ip":"192.0.2.4","method":"GET",)"
                           R"("uri":"/beta/"},"status":502})";
  for (auto logger : {"http.log.access", "http.log.access.log0", "access", "httpd"})
    CHECK(read_line(log_format::json, R"({"logger":")" + std::string(logger) + "\"," + rest).fate
          == line_fate::event);
  CHECK(read_line(log_format::json, "{" + rest).fate == line_fate::event);
  for (auto logger : {"http.log.error", "http.log.error.log0", "http.handlers.reverse_proxy"})
    CHECK_THAT(
        read_line(log_format::json, R"({"logger":")" + std::string(logger) + "\"," + rest).why,
        Contains("not its access line"));
  // A program's own log with a flat request is not Caddy's.
  CHECK(read_line(log_format::json, R"({"logger":"http.server","ts":1703373474,"ip":"192.0.2.4",)"
                                    R"("path":"/p"})")
            .fate
        == line_fate::event);
}

TEST_CASE("an event whose time stands in another field is not imported as of now",
          "[contract][import]") {
  const std::string event = R"({"user_id":"u","event_type":"t","page_url":"/p")";
  for (auto name : {"timestamp", "time", "ts", "Created_At"}) {
    const auto line = event + ",\"" + name + R"(":"2024-01-01T00:00:00Z"})";
    const auto x = read_line(log_format::events, line);
    INFO(line);
    CHECK(x.fate == line_fate::refused);
    CHECK_THAT(x.why, Contains("time_stamp") && Contains("--arrival-time"));
    parse_rules rules;
    rules.arrival_time = true;
    CHECK(read_line(log_format::events, line, rules).event.at_us == unset_time);
  }
  for (auto rest : {"}", R"(,"referrer":"x"})", R"(,"ts":1,"time_stamp":"2024-01-01T00:00:00Z"})"})
    CHECK(read_line(log_format::events, event + rest).fate == line_fate::event);
}
