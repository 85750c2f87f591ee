#include "tests/contract/http_fixture.hpp"

using namespace footfall;
using namespace std::chrono_literals;
using namespace footfall::test;

TEST_CASE_METHOD(http_fixture, "counts are answered as the reference does", "[contract][http]") {
  client c{ports().query};
  const std::string pair = R"({"user_id":"u","page_url":"/a&b"})";
  auto answer = c.ask("GET /analytics/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
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
           "\"other_types\":{\"clicks\":0},\"last_60_minutes\":["
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
  const std::string active =
      "\"window_s\":300,\"since\":null,\"visitors\":2,\"clicks\":4,\"pages\":["
      "{\"page_url\":\"/a\\u0026b\",\"visitors\":2,\"clicks\":3}],"
      + freshness;
  CHECK(body_of(c.ask(get("/v1/stats/active"))) == "{" + active);
  CHECK(body_of(c.ask(get("/v1/stats/active?page_url=/p&limit=3")))
        == "{\"page_url\":\"/p\"," + active);
  CHECK(handler.last.limit == 3);
  CHECK(body_of(c.ask(get("/v1/stats/count?page_url=/p&user_id=u")))
        == "{\"user_id\":\"u\",\"page_url\":\"/p\",\"count\":4," + freshness);
  c.send("HEAD /v1/stats/top-pages HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(status_of(c.receive(false)) == 200);
  for (auto bad :
       {"/v1/stats/page", "/v1/stats/page?page_url=/p&x=1", "/v1/stats/top-pages?limit=0",
        "/v1/stats/top-pages?limit=1001", "/v1/stats/top-pages?limit=-1",
        "/v1/stats/top-pages?limit=5x", "/v1/stats/series?step=decade",
        "/v1/stats/series?from=yesterday", "/v1/stats/series?page_url=",
        "/v1/stats/series?from=2025-11-05T20:00:00Z&to=2025-11-05T19:00:00Z",
        "/v1/stats/series?from=2001-01-01T00:00:00Z", "/v1/stats/users?page_url=/p&limit=",
        "/v1/stats/active?page_url=", "/v1/stats/active?limit=0", "/v1/stats/active?range=7d",
        "/v1/stats/users?page_url=/p&page_url=/q", "/v1/stats/count?page_url=/p",
        "/v1/stats/page?page_url=%zz", "/v1/stats/page?page_url=/p&site=a%2Fb"}) {
    INFO(bad);
    auto answer = c.ask(get(bad));
    CHECK(status_of(answer) == 400);
    CHECK(has(answer, "\"type\":\"urn:footfall:problem:invalid_argument\""));
  }
}

TEST_CASE_METHOD(http_fixture, "the admin port tells of the other nodes", "[contract][http]") {
  client c{ports().admin};
  CHECK(has(c.ask(get("/cluster")), "{\"nodes\":[{\"self\":true,"));
  CHECK_FALSE(has(c.ask(get("/cluster")), "unowned"));
  handler.state.members = {{"b", 2, false, "late", true, true, "fails", {}},
                           {"a", 1, true, "live", true, false, "works", {0, 3}}};
  auto& other = handler.state.members.front();
  other.roles = "query";
  other.address = "b.example:9090";
  other.version = "1.2.3";
  other.link = "down";
  other.link_fault = "it says \"no\"";
  handler.state.unowned = {1, 2};
  const auto nodes = c.ask(get("/cluster"));
  CHECK(has(nodes, "\"name\":\"a\",\"incarnation\":1,\"state\":\"live\",\"aggregates\":true,"
                   "\"log\":\"works\",\"partitions\":[0,3],"
                   "\"role_names\":\"\",\"address\":\"\"},"
                   "{\"self\":false,\"draining\":true,\"name\":\"b\",\"incarnation\":2,"));
  CHECK(has(nodes, "\"partitions\":[],\"role_names\":\"query\",\"address\":\"b.example:9090\","
                   "\"link\":\"down\",\"link_fault\":\"it says \\\"no\\\"\","
                   "\"version\":\"1.2.3\"}],\"unowned\":[1,2]}"));
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
  handler.state.lags_us = {0, 12'345'678};
  CHECK(body_of(c.ask(get("/readyz")))
        == "{\"live\":true,\"ready\":true,\"draining\":false,\"roles\":{\"log\":\"ok\"},"
           "\"lag_seconds\":[0.000,12.346]}\n");
  handler.state.ready = false;
  handler.state.roles = {{"query", "connection failed: FATAL:\n\tpassword is wrong: \n"},
                         {"aggregate", "partition 0 is starting; "}};
  const auto clean = c.ask(get("/readyz"));
  CHECK(has(clean, "\"detail\":\"the node is not ready; query: connection failed: FATAL: "
                   "password is wrong; aggregate: partition 0 is starting\""));
  CHECK(has(clean, "\"query\":\"connection failed: FATAL: password is wrong\""));
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
  handler.refusal = errc::store_unavailable;
  for (auto path : {"/actors", "/actors/1", "/admin/partitions"})
    CHECK(status_of(c.ask(get(path))) == 503);
  CHECK(body_of(c.ask(get("/admin/audit")))
        == "{\"ok\":false,\"differences\":[{\"table\":\"page_totals\",\"key\":\"/p\","
           "\"expected\":3,\"found\":4}],\"partitions\":[{\"partition\":0,\"log_first\":1,"
           "\"log_end\":9,\"acknowledged_end\":8,\"next_offset\":7,\"folded_offset\":6},"
           "{\"partition\":1,\"log_first\":null,\"log_end\":null,\"acknowledged_end\":0,"
           "\"next_offset\":0,\"folded_offset\":0}],\"checked\":[\"some\"],"
           "\"not_checked\":[\"the rest\"]}\n");
  CHECK(has(c.ask(get("/admin/audit?live=all")), "\"checked\":[\"all\"]"));
  CHECK(status_of(c.ask(get("/admin/audit?live=some"))) == 400);
  CHECK(status_of(c.ask(get("/"))) == 404);
  CHECK(status_of(c.ask(post("/healthz", ""))) == 405);
}

TEST_CASE_METHOD(http_fixture, "bad events are listed with their bytes", "[contract][http]") {
  client c{ports().admin};
  handler.bad.page.rows = {{{0, 17}, 1'762'372'800'000'000, "no event", "{\"a\":\n1}", {}},
                           {{2, 5}, 1'762'372'800'000'000, "no event \xff", "\xff\x00\x01", {3, 9}},
                           {{2, 6}, 1'762'372'800'000'000, "empty", "", {}}};
  handler.bad.page.rows[1].raw = std::string("\xff\x00\x01\x02", 4);
  handler.bad.page.more = true;
  CHECK(body_of(c.ask(get("/admin/bad-events")))
        == "{\"bad_events\":[{\"position\":\"0:17\",\"at\":\"2025-11-05T20:00:00Z\","
           "\"reason\":\"no event\",\"redriven\":null,\"bytes\":8,\"text\":\"{\\\"a\\\":\\n1}\"},"
           "{\"position\":\"2:5\",\"at\":\"2025-11-05T20:00:00Z\",\"reason\":\"no event "
           "\xEF\xBF\xBD\","
           "\"redriven\":\"3:9\",\"bytes\":4,\"base64\":\"/wABAg==\"},"
           "{\"position\":\"2:6\",\"at\":\"2025-11-05T20:00:00Z\",\"reason\":\"empty\","
           "\"redriven\":null,\"bytes\":0,\"text\":\"\"}],\"more\":true,\"next\":\"2:6\"}\n");
  CHECK(handler.last_bad.limit == 100);
  CHECK(handler.last_bad.after.offset == -1);
  CHECK_FALSE(handler.last_bad.open_only);
  for (const auto& [raw, text] :
       {std::pair{"\xff", "/w=="}, {"\xff\xfe", "//4="}, {"\xff\xfe\xfd", "//79"}}) {
    handler.bad.page.rows = {{{0, 1}, 0, "x", raw, {}}};
    CHECK(has(c.ask(get("/admin/bad-events")), "\"base64\":\"" + std::string(text) + "\"}"));
  }
  handler.bad = {};
  CHECK(body_of(c.ask(get("/admin/bad-events?after=3:7&limit=1000&open=true")))
        == "{\"bad_events\":[],\"more\":false,\"next\":null}\n");
  CHECK(handler.last_bad.limit == 1000);
  CHECK(handler.last_bad.after == position{3, 7});
  CHECK(handler.last_bad.open_only);
  for (auto bad : {"?limit=0", "?limit=1001", "?limit=x", "?after=0", "?after=0:1,0:2",
                   "?after=", "?open=yes", "?positions=0:1"})
    CHECK(status_of(c.ask(get("/admin/bad-events" + std::string(bad)))) == 400);
  handler.bad.code = errc::store_unavailable;
  CHECK(status_of(c.ask(get("/admin/bad-events"))) == 503);
  CHECK(has(c.ask(post("/admin/bad-events", "")), "Allow: GET, HEAD\r\n"));
}

TEST_CASE_METHOD(http_fixture, "a re-drive says what became of each", "[contract][http]") {
  client c{ports().admin};
  event_result taken{outcome::accepted, errc::none, "e", 0, {1, 40}, ""};
  event_result refused{outcome::rejected, errc::invalid_argument, "", 0, {}, "no event"};
  handler.redriven.results = {{{0, 17}, taken}, {{2, 5}, refused}};
  CHECK(
      body_of(c.ask(post("/admin/bad-events/redrive", "")))
      == "{\"redriven\":1,\"left\":1,\"results\":[{\"bad_event\":\"0:17\",\"status\":\"accepted\","
         "\"event_id\":\"e\",\"position\":\"1:40\"},{\"bad_event\":\"2:5\",\"status\":\"rejected\","
         "\"code\":\"invalid_argument\",\"reason\":\"no event\",\"retry\":false}],"
         "\"more\":false,\"next\":null}\n");
  CHECK(handler.last_redrive.positions.empty());
  CHECK(handler.last_redrive.limit == 100);
  handler.redriven.more = true;
  CHECK(has(c.ask(post("/admin/bad-events/redrive?after=0:1&limit=2", "")), "\"next\":\"2:5\""));
  CHECK(handler.last_redrive.after == position{0, 1});
  CHECK(handler.last_redrive.limit == 2);
  CHECK(status_of(c.ask(post("/admin/bad-events/redrive?positions=0:17,2:5", ""))) == 200);
  CHECK(handler.last_redrive.positions == std::vector<position>{{0, 17}, {2, 5}});
  for (auto bad : {"?positions=", "?positions=0", "?positions=0:1&after=0:0", "?open=true"})
    CHECK(status_of(c.ask(post("/admin/bad-events/redrive" + std::string(bad), ""))) == 400);
  // A body would be passed over, and everything re-driven.
  CHECK(status_of(c.ask(post("/admin/bad-events/redrive", "{\"positions\":[\"0:1\"]}"))) == 400);
  handler.redriven.code = errc::timeout;
  CHECK(status_of(c.ask(post("/admin/bad-events/redrive", ""))) == 503);
  CHECK(has(c.ask(get("/admin/bad-events/redrive")), "Allow: POST\r\n"));
}

TEST_CASE_METHOD(http_fixture, "partitions are listed, and changed by POST alone",
                 "[contract][http]") {
  client c{ports().admin};
  partition_row running{0, "running", stop_kind::none, "", 7, 5, 2, 9};
  partition_row stopped{1, "stopped", stop_kind::other_log, "it is \"another\"", 3, 3, -1, -1};
  handler.parts.rows = {running, stopped};
  handler.parts.data_dir = "/data";
  CHECK(body_of(c.ask(get("/admin/partitions")))
        == "{\"partitions\":[{\"partition\":0,\"state\":\"running\",\"stopped\":null,"
           "\"reason\":null,\"next_offset\":7,\"folded_offset\":5,\"log_first\":2,\"log_end\":9,"
           "\"lag\":2},{\"partition\":1,\"state\":\"stopped\",\"stopped\":\"other_log\","
           "\"reason\":\"it is \\\"another\\\"\",\"next_offset\":3,\"folded_offset\":3,"
           "\"log_first\":null,\"log_end\":null,\"lag\":null}],\"data_dir\":\"/data\"}\n");
  CHECK(status_of(c.ask(get("/admin/partitions?partition=1"))) == 400);
  CHECK(has(c.ask(post("/admin/partitions", "")), "Allow: GET, HEAD\r\n"));

  handler.changed.reason = "went on";
  CHECK(body_of(c.ask(post("/admin/partitions/skip?partition=3&to=17", "")))
        == "{\"done\":\"went on\"}\n");
  CHECK(handler.last_skip == std::pair<uint32_t, int64_t>{3, 17});
  for (auto bad : {"", "?partition=3", "?to=1", "?partition=x&to=1", "?partition=3&to=-1",
                   "?partition=4294967296&to=1", "?partition=3&to=1&yes=1", "?partition=&to=1"})
    CHECK(status_of(c.ask(post("/admin/partitions/skip" + std::string(bad), ""))) == 400);
  CHECK(status_of(c.ask(post("/admin/partitions/skip?partition=3&to=17", "{}"))) == 400);
  CHECK(has(c.ask(get("/admin/partitions/skip?partition=3&to=17")), "Allow: POST\r\n"));
  CHECK(status_of(c.ask(post("/admin/partitions/new-generation", ""))) == 200);
  CHECK(status_of(c.ask(post("/admin/partitions/new-generation?yes=1", ""))) == 400);
  CHECK(status_of(c.ask(post("/admin/partitions/new-generation", "x"))) == 400);
  handler.changed.code = errc::not_found;
  CHECK(status_of(c.ask(post("/admin/partitions/new-generation", ""))) == 404);
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
