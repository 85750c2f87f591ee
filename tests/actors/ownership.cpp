// Whole nodes that share a log and a store by leases.
#include <catch2/catch.hpp>

#include "actors/model/record.hpp"
#include "tests/actors/cluster_fixture.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

struct lone_fixture : cluster_fixture {
  lone_fixture() : cluster_fixture(false) {}
};

uint64_t messages_of(const std::string& name) {
  uint64_t out = 0;
  for (const auto& entry : actor_directory::get().snapshot())
    if (entry->name == name)
      out += entry->processed;
  return out;
}

std::string page_no(int i) {
  return "/" + std::to_string(i);
}

} // namespace

SCENARIO_METHOD(cluster_fixture, "two nodes share the partitions, and each answers for all",
                "[actor][cluster]") {
  CHECK(is_even());
  for (int i = 0; i < 20; ++i) {
    auto& to = i % 2 ? *door : *door_b;
    const auto reply = post_to(to, {click("e" + std::to_string(i), "u1", page_no(i % 10))});
    REQUIRE(reply.results.at(0).status == outcome::accepted);
  }
  advance(1s);
  size_t from_store = 0, from_memory = 0;
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 10; ++i)
      for (auto* of : {door.get(), door_b.get()}) {
        const auto count = ask_of(*of, count_of("u1", page_no(i)));
        CHECK(count.clicks == 2);
        CHECK(count.as_of_us <= time_us);
        auto page = count_of("", page_no(i));
        page.kind = query_kind::page;
        const auto all = ask_of(*of, page);
        CHECK(all.clicks == 2);
        (all.source == answer_source::store && round == 1 ? from_store : from_memory) += 1;
        CHECK(all.as_of_us >= time_us - 1'500'000);
      }
  CHECK(from_store == 10); // In the second round: at the node that does not have the page.
}

SCENARIO_METHOD(cluster_fixture, "who dies is replaced when the lease is over",
                "[actor][cluster]") {
  post_to(*door, {click("a"), click("b", "u1", "/2"), click("c", "u1", "/3")});
  advance(1s);
  end_b();
  advance(2s);
  CHECK(states(*door) != "rrrr");
  post_to(*door, {click("d"), click("e", "u1", "/2"), click("f", "u1", "/3")});
  advance(5s);
  CHECK(states(*door) == "rrrr");
  for (const auto* page : {"/p", "/2", "/3"})
    CHECK(ask(count_of("u1", page)).clicks == 2);
  WHEN("it comes back") {
    start_b();
    advance(5s);
    THEN("it has its share again") {
      CHECK(is_even());
    }
  }
}

SCENARIO_METHOD(cluster_fixture, "who leaves gives all away, and is not waited for",
                "[actor][cluster]") {
  post_to(*door, {click("a"), click("b", "u1", "/2"), click("c", "u1", "/3")});
  door_b->leave();
  advance(1200ms);
  CHECK(door_b->has_left());
  CHECK(states(*door) == "rrrr");
  CHECK(states(*door_b) == "iiii");
  CHECK(rows.nodes.count("b") == 0);
  CHECK(ask_of(*door_b, count_of("u1", "/2")).clicks == 1); // It still answers.
}

SCENARIO_METHOD(cluster_fixture, "who is cut off from the store stops when its lease is over",
                "[actor][cluster]") {
  for (int i = 0; i < 10; ++i)
    post_to(*door, {click("e" + std::to_string(i), "u1", page_no(i))});
  advance(1s);
  for (int i = 0; i < 10; ++i)
    ask_of(*door_b, count_of("u1", page_no(i)));
  store_b.cut = true;
  THEN("it answers from memory for two seconds, as of when the store last confirmed it") {
    const auto since = time_us;
    advance(1500ms);
    size_t answered = 0;
    for (int i = 0; i < 10; ++i) {
      const auto x = ask_of(*door_b, count_of("u1", page_no(i)));
      answered += x.code == errc::none;
      if (x.code == errc::none)
        CHECK(x.as_of_us <= since);
    }
    CHECK(answered > 0);
    advance(1s);
    for (int i = 0; i < 10; ++i)
      CHECK(ask_of(*door_b, count_of("u1", page_no(i))).code != errc::none);
  }
  THEN("the other takes over, and it gets its share back when it is there again") {
    advance(8s);
    CHECK(both_states() == "rrrr/iiii");
    for (int i = 0; i < 10; ++i)
      post_to(*door, {click("f" + std::to_string(i), "u1", page_no(i))});
    advance(1s);
    store_b.cut = false;
    advance(8s);
    CHECK(is_even());
    for (int i = 0; i < 10; ++i) {
      CHECK(ask(count_of("u1", page_no(i))).clicks == 2);
      CHECK(ask_of(*door_b, count_of("u1", page_no(i))).clicks == 2); // Nothing of before.
    }
  }
}

SCENARIO_METHOD(cluster_fixture, "Footfall-After works at the node that does not apply",
                "[actor][cluster]") {
  for (int i = 0; i < 10; ++i) {
    const auto reply = post_to(*door_b, {click("e" + std::to_string(i), "u1", page_no(i))});
    auto question = count_of("u1", page_no(i));
    question.after = {reply.results.at(0).pos};
    for (auto* of : {door.get(), door_b.get()}) {
      query_answer out;
      of->query(question, [&](query_answer x) { out = std::move(x); });
      advance(500ms);
      CHECK(out.code == errc::none);
      CHECK(out.clicks == 1);
    }
  }
}

SCENARIO_METHOD(cluster_fixture, "a page that moves goes on being watched", "[actor][cluster]") {
  std::vector<uint64_t> told;
  const std::string page =
      states(*door_b)[model::partition_of(model::record_key(default_site, "/2"), partitions)] == 'r'
          ? "/2"
          : "/p";
  auto watch = door->watch(default_site, page, [&](const query_answer& x) {
    if (x.code == errc::none)
      told.push_back(x.clicks);
  });
  advance(2s);
  post_to(*door, {click("a", "u1", page)});
  advance(3s);
  REQUIRE_FALSE(told.empty());
  CHECK(told.back() == 1);
  end_b();
  advance(6s);
  post_to(*door, {click("b", "u1", page)});
  advance(2s);
  CHECK(told.back() == 2);
  CHECK(std::is_sorted(told.begin(), told.end()));
}

SCENARIO_METHOD(lone_fixture, "an actor that died is started again with what the node has",
                "[actor][cluster]") {
  REQUIRE(states(*door) == "rrrr");
  post({click("a")});
  const auto* name = GENERATE("partition", "ownership", "log_reader", "query");
  kill(name);
  advance(5s);
  CHECK(states(*door) == "rrrr");
  post({click("b")});
  advance(1s);
  CHECK(ask(count_of("u1")).clicks == 2);
  CHECK(door->replaced().empty());
}

SCENARIO_METHOD(lone_fixture, "an apply that failed claims again through OWNERSHIP",
                "[actor][cluster]") {
  const bool done_anyway = GENERATE(true, false);
  events.fail_next(errc::store_unavailable, done_anyway);
  post({click("a")});
  advance(3s);
  CHECK(states(*door) == "rrrr");
  CHECK(ask(count_of("u1")).clicks == 1);
}

SCENARIO_METHOD(lone_fixture, "a partition that another took stops, and claims nothing by itself",
                "[actor][cluster]") {
  post({click("a")});
  advance(1s);
  // As a node would that nobody here sees.
  for (uint32_t i = 0; i < partitions; ++i)
    events.claim(i, [&, i](const caf::expected<partition_claim>& x) {
      rows.owners[i] = {i, {"c", 77}, x->epoch};
    });
  rows.nodes["c"] = {
      77, 1, steady_us + 4'000'000, {{"c", 77}, sight::live, true, false, log_reach::works, 1}};
  post({click("b")});
  advance(1s);
  CHECK(states(*door) == "iiii");
  CHECK(ask(count_of("u1")).clicks == 1);
  advance(8s); // Its lease is over.
  CHECK(states(*door) == "rrrr");
  CHECK(ask(count_of("u1")).clicks == 2);
}

SCENARIO_METHOD(lone_fixture, "of two processes of a name the later one stays",
                "[actor][cluster]") {
  plan_b.node_name = "a";
  start_b();
  advance(3s);
  CHECK(door->replaced().find("node a") != std::string::npos);
  CHECK(door_b->replaced().empty());
  CHECK(both_states() == "iiii/rrrr");
}

SCENARIO_METHOD(lone_fixture, "who leaves waits for no apply whose answer is void",
                "[actor][cluster]") {
  GIVEN("an apply that failed") {
    events.fail_next(errc::store_unavailable, true);
    post({click("a")});
    door->leave();
  }
  GIVEN("an apply under way when the lease ends, and a store that is back") {
    events.hold_applies(true);
    post({click("a")});
    store_a.cut = true;
    advance(4s);
    REQUIRE(states(*door) == "iiii");
    door->leave();
    store_a.cut = false;
    events.hold_applies(false);
  }
  advance(2s);
  CHECK(door->has_left());
  CHECK(rows.nodes.empty());
  for (const auto& [partition, row] : rows.owners)
    CHECK(row.owner.nobody());
}

SCENARIO_METHOD(lone_fixture, "a partition whose lease ended in the middle of an apply runs again",
                "[actor][cluster]") {
  events.hold_applies(true);
  post({click("a")});
  store_a.cut = true;
  advance(4s);
  store_a.cut = false;
  events.hold_applies(false);
  advance(3s);
  CHECK(states(*door) == "rrrr");
  start_b();
  advance(5s);
  CHECK(is_even()); // Half of them could be released.
  CHECK(ask(count_of("u1")).clicks == 1);
}

SCENARIO_METHOD(lone_fixture, "a store that does not answer is not waited for in a hurry",
                "[actor][cluster]") {
  store_a.silent = true;
  const auto before = messages_of("ownership");
  advance(30s);
  CHECK(messages_of("ownership") - before < 60);
  CHECK(states(*door) == "iiii");
}

SCENARIO_METHOD(cluster_fixture, "who has not joined is not ready, and says why",
                "[actor][cluster]") {
  end_b();
  store_b.cut = true;
  start_b();
  advance(2s);
  CHECK_FALSE(door_b->running());
  node_health seen;
  door_b->health([&](const node_health& x) { seen = x; });
  CHECK_FALSE(seen.ready);
  const auto faults = seen.faults_of("aggregate");
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].second.find("cut off by the test") != std::string::npos);
  store_b.cut = false;
  advance(8s);
  CHECK(door_b->running());
  CHECK(is_even());
  door_b->health([&](const node_health& x) { seen = x; });
  CHECK(seen.ready);
}
