// The actors of other nodes, as one node shows them.
#include <catch2/catch.hpp>

#include "tests/actors/linked_fixture.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

struct inspected_fixture : linked_fixture {
  actors_reply list(actors_ask ask, std::chrono::milliseconds wait = 0ms) {
    actors_reply out;
    out.code = errc::internal;
    door->actors(std::move(ask), [&out](actors_reply x) { out = std::move(x); });
    settle();
    if (wait > 0ms) {
      CHECK(out.code == errc::internal);
      advance(wait);
    }
    return out;
  }
  actor_detail one(const std::string& node, uint64_t id, std::chrono::milliseconds wait = 0ms) {
    actor_detail out;
    out.code = errc::internal;
    door->actor(node, id, [&out](actor_detail x) { out = std::move(x); });
    settle();
    if (wait > 0ms)
      advance(wait);
    return out;
  }
  static std::string nodes_of(const actors_reply& x) {
    std::string out;
    for (const auto& node : x.nodes)
      out += node.name + (node.fault.empty() ? "" : " (" + node.fault + ")") + ';';
    return out;
  }
  static size_t rows_of(const actors_reply& x, const std::string& node) {
    return static_cast<size_t>(std::count_if(
        x.rows.begin(), x.rows.end(), [&node](const auto& row) { return row.node == node; }));
  }
};

} // namespace

SCENARIO_METHOD(inspected_fixture, "any node shows the actors of all", "[actor][links]") {
  actors_ask ask;
  ask.name = "membership";
  // Both nodes are in one process here, so each knows the actors of both.
  auto all = list(ask);
  REQUIRE(all.code == errc::none);
  CHECK(nodes_of(all) == "a;b;");
  CHECK(rows_of(all, "a") == 2);
  CHECK(rows_of(all, "b") == 2);
  CHECK(all.total == 4);
  ask.node = "b";
  all = list(ask);
  CHECK(nodes_of(all) == "b;");
  CHECK(rows_of(all, "a") == 0);
  CHECK(all.total == 2);
  const auto id = all.rows.at(0).id;
  const auto detail = one("b", id);
  CHECK(detail.code == errc::none);
  CHECK(detail.row.node == "b");
  CHECK(detail.row.id == id);
  CHECK_FALSE(detail.fields.empty());
  CHECK(one("a", id).row.node == "a");
  CHECK(one("", id).row.node == "a");
  CHECK(one("b", 1'000'000'000).code == errc::not_found);
  ask.node = "c";
  all = list(ask);
  CHECK(all.code == errc::not_found);
  CHECK(all.reason == "no node is called c; /cluster lists those that there are");
  CHECK(one("c", id).code == errc::not_found);
}

SCENARIO_METHOD(inspected_fixture, "a node that cannot be asked is listed with the reason",
                "[actor][links]") {
  const auto link = network.all_links().at(0);
  WHEN("it is silent") {
    network.lose(link);
    const auto all = list({}, 1100ms);
    CHECK(all.code == errc::none);
    CHECK(nodes_of(all) == "a;b (it did not answer within a second);");
    CHECK(rows_of(all, "a") > 0);
    CHECK(one("b", 5, 1600ms).code == errc::timeout);
  }
  WHEN("there is no link") {
    network.down = true;
    network.cut(link);
    settle();
    const auto all = list({});
    CHECK(nodes_of(all).find("a;b (there is no link to it") == 0);
    CHECK(one("b", 5).reason == "there is no link to a node called b; /cluster lists them");
  }
  WHEN("INSPECTOR began again, here or there") {
    kill("inspector");
    advance(1s);
    actors_ask ask;
    ask.name = "gateway";
    CHECK(nodes_of(list(ask)) == "a;b;");
  }
}

SCENARIO_METHOD(inspected_fixture, "what other nodes send of their actors is bounded",
                "[actor][links]") {
  std::vector<click_event> clicks;
  for (int i = 0; i < 300; ++i)
    clicks.push_back(
        click("e" + std::to_string(i), "u", "/" + std::string(1'900, 'x') + std::to_string(i)));
  post_to(*door, clicks);
  advance(1s);
  for (const auto& x : clicks)
    ask(page_of(x.page_url)); // Their actors are there then.
  actors_ask ask;
  ask.node = "b";
  ask.limit = 10'000;
  const auto all = list(ask);
  CHECK(all.total > 300);
  CHECK(all.rows.size() > 50);
  CHECK(all.rows.size() < 200);
}
