// Gateways without a store: whom they find by their seeds, and what they are told.
#include <catch2/catch.hpp>

#include "tests/actors/asked.hpp"
#include "tests/actors/gateway_fixture.hpp"

using namespace footfall;
using namespace footfall::test;

SCENARIO_METHOD(gateway_fixture, "a gateway without a store serves all that others have",
                "[actor][links]") {
  begin({"b:1"});
  REQUIRE(is_ready());
  CHECK(members_of(*door) == "a:down b:up z!"); // The store keeps the row of node a.
  CHECK(members_of(*door_b) == "a:down b! z:up");
  uint64_t seen = 0;
  const auto watch = door->watch(default_site, "/p", [&](const query_answer& x) {
    CHECK(x.code == errc::none);
    seen = x.clicks;
  });
  const auto posted = post({click("e1", "u1", "/p"), click("e2", "u2", "/q")});
  REQUIRE(posted.results.size() == 2);
  for (const auto& x : posted.results)
    CHECK(x.status == outcome::accepted);
  advance(1500ms);
  CHECK(seen == 1);
  for (const auto* page : {"/p", "/q"}) {
    auto asked = about(query_kind::page, page);
    asked.after = {posted.results[0].pos};
    const auto answer = ask(asked);
    CHECK(answer.code == errc::none);
    CHECK(answer.clicks == 1);
    CHECK(answer.node == "b");
  }
  CHECK(ask(about(query_kind::top_pages)).rows.size() == 2);
  CHECK(ask(about(query_kind::users, "/p")).rows.size() == 1);
  CHECK(ask(about(query_kind::active)).users == 2);

  // What only a store knows, it says whom to ask for.
  audit_reply audited;
  door->audit({}, [&](audit_reply x) { audited = std::move(x); });
  bad_events_reply bad;
  door->bad_events({}, [&](bad_events_reply x) { bad = std::move(x); });
  redrive_reply again;
  door->redrive({}, [&](redrive_reply x) { again = std::move(x); });
  std::string states;
  door->partitions([&](const partitions_reply& x) {
    for (const auto& row : x.rows)
      states += row.state + ' ';
  });
  settle();
  for (const auto& [code, reason] :
       {std::pair{audited.code, audited.reason}, std::pair{bad.code, bad.reason},
        std::pair{again.code, again.reason}}) {
    CHECK(code == errc::store_unavailable);
    CHECK(reason.find("this node has no database") != std::string::npos);
  }
  CHECK(states == "idle idle idle idle ");
  CHECK(lines.empty());
  CHECK(door->look().empty());
}

SCENARIO_METHOD(gateway_fixture, "seeds that lead nowhere, and its own, hold up no gateway",
                "[actor][links]") {
  begin({"z:1", "y:1", "b:1"});
  CHECK(is_ready());
  CHECK(lines.empty());
}

SCENARIO_METHOD(gateway_fixture, "a gateway that finds nobody says so, and finds them later",
                "[actor][links]") {
  end_b();
  links_b.end();
  begin({"b:1", "y:1"});
  advance(3s);
  CHECK_FALSE(is_ready());
  CHECK(says("the seed b:1"));
  CHECK(members_of(*door) == "z! b:1:down y:1:down");
  query_answer refused;
  door->query(about(query_kind::page, "/p"), [&](query_answer x) { refused = std::move(x); });
  advance(1s);
  CHECK(refused.code == errc::restarting);
  start_b();
  advance(8s);
  CHECK(is_ready());
  CHECK(members_of(*door) == "a:down b:up z!");
}

SCENARIO_METHOD(gateway_fixture, "a gateway finds a node again that was away", "[actor][links]") {
  begin({"b:1"});
  REQUIRE(post({click("e1", "u1", "/p")}).results[0].status == outcome::accepted);
  advance(1s);
  network.down = true;
  network.cut_all();
  advance(2s);
  CHECK_FALSE(is_ready());
  network.down = false;
  advance(2s);
  CHECK(is_ready());
  CHECK(network.links() == 1);
  end_b(); // Another process under the same name, which did not give its partitions back.
  links_b.end();
  advance(1s);
  CHECK_FALSE(is_ready());
  start_b();
  advance(8s);
  CHECK(is_ready());
  CHECK(network.links() == 1);
  CHECK(ask(about(query_kind::page, "/p")).clicks == 1);
}

SCENARIO_METHOD(gateway_fixture, "whom the seed tells of is linked as well", "[actor][links]") {
  begin({"b:1"});
  start_a(plan_b.roles); // The gateway was never given its address.
  advance(8s);
  CHECK(members_of(*door) == "a:up b:up z!");
  CHECK(network.links() == 3);
  for (int i = 0; i < 8; ++i) {
    const auto page = "/" + std::to_string(i);
    REQUIRE(post({click("e" + page, "u1", page)}).results[0].status == outcome::accepted);
    advance(500ms);
    const auto answer = ask(about(query_kind::page, page));
    CHECK(answer.clicks == 1);
    CHECK(answer.node == (states(*door_a)[home_of(page)] == 'r' ? "a" : "b"));
  }
  end_b(); // The one that it was told to ask.
  links_b.end();
  advance(8s);
  CHECK(is_ready());
  CHECK(ask(about(query_kind::page, "/3")).clicks == 1);
  CHECK(ask(about(query_kind::page, "/3")).node == "a");
}

SCENARIO_METHOD(gateway_fixture, "what a gateway acknowledged bounds what it says is known",
                "[actor][links]") {
  plan_b.roles = "aggregate,query"; // Node a, which owns nothing, takes the events.
  plan_b.log = &log_b;
  end_b();
  links_b.end();
  begin({"b:1"});
  start_b();
  start_a("ingest");
  advance(8s);
  REQUIRE(is_ready());
  REQUIRE(post({click("e1", "u1", "/p")}).results[0].status == outcome::accepted);
  advance(2s);
  const auto applied = ask(about(query_kind::top_pages));
  REQUIRE(applied.rows.size() == 1);
  CHECK(applied.as_of_us > time_us - 1'500'000);
  log_b.is_deaf = true;
  const auto before = time_us;
  REQUIRE(post({click("e2", "u2", "/p")}).results[0].status == outcome::accepted);
  advance(1s);
  const auto answer = ask(about(query_kind::top_pages));
  REQUIRE(answer.code == errc::none);
  CHECK(answer.rows.at(0).clicks == 1);
  CHECK(answer.as_of_us <= before);
  log_b.is_deaf = false;
  for (const auto& hear : std::exchange(log_b.missed, {}))
    hear();
  advance(2s);
  CHECK(ask(about(query_kind::top_pages)).as_of_us > time_us - 1'500'000);
}

SCENARIO_METHOD(gateway_fixture, "a gateway goes back with the store of the node that tells it",
                "[actor][links]") {
  begin({"b:1"});
  for (int i = 0; i < 8; ++i)
    REQUIRE(post({click("e" + std::to_string(i), "u1", "/p")}).results[0].status
            == outcome::accepted);
  advance(2s);
  const auto offset = [&] {
    int64_t out = 0;
    door->partitions([&](const partitions_reply& x) { out = x.rows[home_of("/p")].next_offset; });
    settle();
    return out;
  };
  REQUIRE(offset() == 8);
  REQUIRE(ask(about(query_kind::page, "/p")).clicks == 8);
  end_b();
  links_b.end();
  events.go_back(); // To its beginning, as with a backup in its place.
  store_b.hangs_in_applies = true;
  start_b();
  advance(10s);
  REQUIRE(is_ready());
  CHECK(offset() == 0);
  CHECK(ask(about(query_kind::page, "/p")).code == errc::none); // Nobody waits for what is gone.
}

SCENARIO_METHOD(gateway_fixture, "seeds and nodes that were told of have turns", "[actor][links]") {
  begin({"x:1", "b:1"});
  start_a(plan_b.roles);
  advance(8s);
  REQUIRE(members_of(*door) == "a:up b:up z!");
  SECTION("seeds that never answer keep no known node away") {
    network.silent = {"x:1", "b:1"};
    network.cut_all();
    advance(40s);
    CHECK(is_ready());
    CHECK(members_of(*door).find("a:up") == 0);
  }
  SECTION("known nodes that never answer keep no seed away") {
    end_b(); // And it comes back where only the seed finds it.
    links_b.end();
    plan_b.address = "old:1";
    start_b();
    network.silent = {"a:1", "old:1"};
    network.cut_all();
    advance(60s);
    CHECK(is_ready());
    CHECK(members_of(*door).find("b:up") != std::string::npos);
  }
}

SCENARIO_METHOD(gateway_fixture, "a gateway may have the name of a node that is gone",
                "[actor][links]") {
  name = "a"; // Its row stays in the store.
  begin({"b:1"});
  advance(2s);
  CHECK(is_ready());
  REQUIRE(post({click("e1", "u1", "/p")}).results[0].status == outcome::accepted);
  advance(1s);
  CHECK(ask(about(query_kind::page, "/p")).clicks == 1);
  CHECK(network.links() == 1);
}

SCENARIO_METHOD(gateway_fixture, "a node with a database may have the name that a gateway had",
                "[actor][links]") {
  begin({"b:1"});
  REQUIRE(is_ready());
  end_node();
  links_z.end();
  start_a(plan_b.roles, "z");
  advance(5s);
  CHECK(members_of(*door_b) == "a:down b! z:up");
  CHECK(network.links() == 1);
}

SCENARIO_METHOD(gateway_fixture, "an audit at a gateway that knows of nothing is answered",
                "[actor][links]") {
  begin({"y:1"});
  for (int i = 0; i < 2; ++i) {
    audit_reply said;
    said.code = errc::internal;
    door->audit({}, [&](audit_reply x) { said = std::move(x); });
    settle();
    CHECK(said.code == errc::store_unavailable);
  }
}

SCENARIO_METHOD(gateway_fixture, "what cannot be is refused with what to do", "[actor][links]") {
  SECTION("a seed without a store") {
    begin({"b:1"});
    node_config other = plan;
    fake_links links_y{network, "y", "y:1"};
    other.node_name = "y";
    other.links = &links_y;
    other.address = "y:1";
    other.seeds = {"z:1"};
    std::vector<std::string> told;
    other.report = [&](const char*, const std::string& line) { told.push_back(line); };
    auto door_y = std::make_unique<node>(system, other);
    advance(8s);
    CHECK(told.size() == 1);
    const auto said = told.empty() ? "" : told.front();
    CHECK(said.find("node z has no database") != std::string::npos);
    CHECK(said.find("--cluster-seeds") != std::string::npos);
    CHECK(is_ready());
    door_y->begin_stop();
    settle();
    door_y.reset();
  }
  SECTION("a name that a node with a store has") {
    begin({});
    plan.node_name = "b";
    plan.seeds = {"b:1"};
    end_node();
    door = std::make_unique<node>(system, plan);
    advance(8s);
    CHECK_FALSE(is_ready());
    CHECK(says("both nodes are called b"));
  }
}
