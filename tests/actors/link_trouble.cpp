// Links at a bad moment: what runs of tests/nodes have found.
#include <catch2/catch.hpp>

#include "tests/actors/linked_fixture.hpp"

using namespace footfall;
using namespace footfall::test;

SCENARIO_METHOD(linked_fixture, "a MEMBERSHIP that starts again leads to no node of before",
                "[actor][links]") {
  const auto page = page_at(*door_b);
  post_to(*door, {click("e1", "u1", page)});
  advance(1s);
  REQUIRE(ask(page_of(page)).clicks == 1);
  network.down = true;
  kill("membership");
  advance(200ms);
  const auto answer = ask(page_of(page));
  REQUIRE(answer.code == errc::none);
  CHECK(answer.source == answer_source::store);
}

SCENARIO_METHOD(linked_fixture, "a greeting that comes late leaves no link that one side alone has",
                "[actor][links]") {
  network.cut_all();
  settle();
  std::vector<fake_network::work> on_their_way;
  network.later = [&](uint32_t, fake_network::work what) {
    on_their_way.push_back(std::move(what));
  };
  const auto let_go = [&](const std::vector<fake_network::work>& these) {
    for (const auto& x : these)
      x();
    settle();
  };
  advance(200ms);
  let_go(std::exchange(on_their_way, {})); // The dial.
  const auto greeting = std::exchange(on_their_way, {});
  REQUIRE(greeting.size() == 1);
  advance(1550ms); // The one who dialled gives up; the other has not noticed yet.
  const auto end = std::exchange(on_their_way, {});
  REQUIRE(end.size() == 1);
  advance(1s);
  for (int i = 0; i < 5; ++i)
    let_go(std::exchange(on_their_way, {}));
  REQUIRE(is_linked(*door));
  REQUIRE(is_linked(*door_b));
  let_go(greeting);
  for (int i = 0; i < 3; ++i)
    let_go(std::exchange(on_their_way, {}));
  let_go(end);
  network.later = {};
  let_go(std::exchange(on_their_way, {}));
  advance(5s);
  CHECK(is_linked(*door));
  CHECK(is_linked(*door_b));
  CHECK(network.links() == 1);
}

SCENARIO_METHOD(linked_fixture, "a watch is told what it could not be told while it failed",
                "[actor][links]") {
  const auto page = page_at(*door_b);
  std::vector<uint64_t> seen;
  const auto watch = door->watch(default_site, page, [&](const query_answer& x) {
    CHECK(x.code == errc::none);
    seen.push_back(x.clicks);
  });
  advance(500ms);
  store_b.knows_no_names = true;
  post_to(*door, {click("e1", "u1", page)});
  advance(500ms);
  CHECK(seen.back() == 0);
  store_b.knows_no_names = false;
  advance(2s);
  CHECK(seen.back() == 1);
}

SCENARIO_METHOD(linked_fixture, "who has a page does not answer with less than was told before",
                "[actor][links]") {
  const auto page = page_at(*door_b);
  auto ask_of_user = count_of("u1", page);
  const auto ask_of_page = page_of(page);
  post_to(*door, {click("e1", "u1", page)});
  advance(1s);
  for (int i = 0; i < 2; ++i) { // The second time it is in the cache.
    REQUIRE(ask(ask_of_user).clicks == 1);
    REQUIRE(ask(ask_of_page).clicks == 1);
  }
  store_b.keeps_applied = true; // The store has more than the owner knows for a while.
  network.down = true;
  network.cut_all();
  post_to(*door, {click("e2", "u1", page)});
  advance(400ms);
  const auto from_store = ask(ask_of_user);
  REQUIRE(from_store.source == answer_source::store);
  REQUIRE(from_store.clicks == 2);
  network.down = false;
  advance(1s);
  REQUIRE(is_linked(*door));
  for (const auto& asked : {ask_of_user, ask_of_page}) {
    const auto answer = ask(asked);
    REQUIRE(answer.code == errc::none);
    CHECK(answer.clicks == 2);
    CHECK(answer.as_of_us > time_us - 1'000'000);
  }
  store_b.keeps_applied = false;
  for (auto& answer : store_b.kept_applied)
    answer();
  post_to(*door, {click("e3", "u1", page)});
  advance(1s);
  for (const auto& asked : {ask_of_user, ask_of_page}) {
    const auto answer = ask(asked);
    CHECK(answer.clicks == 3);
    CHECK(answer.node == "b");
  }
}
