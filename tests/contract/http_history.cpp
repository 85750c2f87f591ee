#include <catch2/catch.hpp>

#include <simdjson.h>

#include "net/http/system_history.hpp"
#include "tests/contract/http_fixture.hpp"

using namespace footfall;
using namespace footfall::http;
using namespace footfall::test;

namespace {

constexpr int64_t noon_us = 1'735'732'800'000'000; ///< 2025-01-01T12:00:00Z.

/// A column as text, "1 2 -", with - for null.
std::string column(const std::string& body, const std::string& pointer) {
  simdjson::dom::parser parser;
  std::string out;
  for (auto x : parser.parse(body).at_pointer(pointer).get_array()) {
    out += out.empty() ? "" : " ";
    out += x.is_null() ? "-" : simdjson::minify(x);
  }
  return out;
}

} // namespace

TEST_CASE("each second has what was done in it", "[net][http][history]") {
  metrics counts;
  counts.events_accepted = 1000; // Before anybody looked.
  system_history history{counts};
  CHECK(history.render(600).find("\"seconds\":0,\"from\":null,\"accepted\":[]")
        != std::string::npos);
  for (int tick = 0; tick < 20; ++tick) { // Four seconds, and the fifth is not over.
    history.tick(noon_us + tick * 200'000);
    counts.events_accepted += 2;
    counts.queries_from_store += 1;
    if (tick == 7)
      counts.freshness.observe(1'500, 99), counts.freshness.observe(90'000, 1);
  }
  history.tick(noon_us + 4'000'000);
  const auto all = history.render(600);
  INFO(all);
  CHECK(all.find("\"seconds\":4,\"from\":\"2025-01-01T12:00:00Z\"") != std::string::npos);
  CHECK(column(all, "/accepted") == "10 10 10 10");
  CHECK(column(all, "/queries/store") == "5 5 5 5");
  CHECK(column(all, "/queries/failed") == "0 0 0 0");
  CHECK(column(all, "/freshness/p50_ms") == "- 1.6 - -");
  CHECK(column(all, "/freshness/p99_ms") == "- 1.6 - -");
  CHECK(column(history.render(2), "/accepted") == "10 10");
}

TEST_CASE("a second nobody looked at is null, and its work is in the next",
          "[net][http][history]") {
  metrics counts;
  system_history history{counts};
  history.tick(noon_us);
  counts.events_applied = 7;
  history.tick(noon_us + 3'500'000);
  counts.events_applied = 8;
  history.tick(noon_us + 4'100'000);
  CHECK(column(history.render(600), "/applied") == "- - 7 1");
  SECTION("a clock that is set begins anew") {
    history.tick(noon_us - 9'000'000);
    CHECK(column(history.render(600), "/applied") == "");
    counts.events_applied = 9;
    history.tick(noon_us - 8'000'000);
    CHECK(column(history.render(600), "/applied") == "1");
  }
  SECTION("ten minutes are kept") {
    for (int s = 5; s < 1'000; ++s) {
      counts.events_applied += static_cast<uint64_t>(s);
      history.tick(noon_us + s * 1'000'000);
    }
    const auto last = column(history.render(600), "/applied");
    CHECK(last.substr(0, 8) == "400 401 ");
    CHECK(last.substr(last.size() - 4) == " 999");
    CHECK(column(history.render(1), "/applied") == "999");
  }
}

TEST_CASE_METHOD(http_fixture, "the last minutes are told at the query port",
                 "[net][http][history]") {
  const auto at = ports();
  auto ask = [&](const std::string& target) {
    client c{at.query};
    c.send(get(target));
    return c.receive();
  };
  CHECK(ask("/v1/system/history").find("\"step_s\":1") != std::string::npos);
  CHECK(ask("/v1/system/history?seconds=1").find("200 OK") != std::string::npos);
  for (const auto* bad : {"seconds=0", "seconds=601", "seconds=x", "seconds=", "second=1"})
    CHECK(ask("/v1/system/history?" + std::string(bad)).find("400 Bad Request")
          != std::string::npos);
}
