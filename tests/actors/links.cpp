// Whole nodes with links between them: who is asked, and what becomes of it when a link ends.
#include <catch2/catch.hpp>

#include "tests/actors/linked_fixture.hpp"

using namespace footfall;
using namespace footfall::test;

SCENARIO_METHOD(linked_fixture, "a question goes to the node that has the page", "[actor][links]") {
  REQUIRE(is_linked(*door));
  REQUIRE(is_linked(*door_b));
  CHECK(network.links() == 1);
  for (auto* of : {door.get(), door_b.get()}) {
    auto& other = of == door.get() ? *door_b : *door;
    const auto page = page_at(other);
    post_to(*of, {click("e" + page, "u1", page)});
    advance(1s);
    for (int round = 0; round < 2; ++round) {
      const auto all = ask_of(*of, page_of(page));
      CHECK(all.code == errc::none);
      CHECK(all.clicks == 1);
      CHECK(all.as_of_us <= time_us);
      CHECK(all.as_of_us >= time_us - 1'000'000);
      CHECK(all.node == (of == door.get() ? "b" : "a"));
      if (round == 1)
        CHECK(all.source == answer_source::actor);
      CHECK(ask_of(*of, count_of("u1", page)).clicks == 1);
    }
    CHECK(ask_of(*of, count_of("u1", page)).source == answer_source::cache);
    auto late = count_of("u1", page);
    late.after = {{home_of(page), 0}};
    CHECK(ask_of(*of, late).clicks == 1);
  }
  CHECK(counts.remote_queries == 6);
  CHECK(counts_b.remote_queries == 6);
  CHECK(counts.remote_queries_again == 0);
}

SCENARIO_METHOD(linked_fixture, "without a link the store answers, until there is one again",
                "[actor][links]") {
  const auto page = page_at(*door_b);
  post_to(*door, {click("e1", "u1", page)});
  advance(1s);
  REQUIRE(ask(page_of(page)).clicks == 1);
  network.down = true;
  network.cut_all();
  settle();
  CHECK_FALSE(is_linked(*door));
  CHECK_FALSE(is_linked(*door_b));
  CHECK(ask(page_of(page)).source == answer_source::store);
  CHECK(ask(page_of(page)).clicks == 1);
  CHECK(is_even()); // A link says nothing about who owns what.
  advance(5s);
  CHECK(is_even());
  network.down = false;
  advance(1500ms);
  CHECK(is_linked(*door));
  CHECK(is_linked(*door_b));
  CHECK(network.links() == 1);
  CHECK(ask(page_of(page)).source == answer_source::actor);
}

SCENARIO_METHOD(linked_fixture, "what waits for a node that is lost is answered here",
                "[actor][links]") {
  const auto page = page_at(*door_b);
  post_to(*door, {click("e1", "u1", page)});
  advance(1s);
  store_b.silent = true; // It answers nothing that it does not know.
  std::vector<query_answer> answers;
  for (const auto* user : {"u1", "u2"})
    door->query(count_of(user, page), [&](query_answer x) { answers.push_back(std::move(x)); });
  settle();
  REQUIRE(answers.empty());
  network.down = true;
  network.cut_all();
  settle();
  REQUIRE(answers.size() == 2);
  for (const auto& x : answers) {
    CHECK(x.code == errc::none);
    CHECK(x.source == answer_source::store);
  }
  CHECK(answers[0].clicks + answers[1].clicks == 1);
  CHECK(counts.remote_queries_again == 2);
}

SCENARIO_METHOD(linked_fixture, "who is silent is not waited for until its link is lost",
                "[actor][links]") {
  const auto page = page_at(*door_b);
  post_to(*door, {click("e1", "u1", page)});
  advance(1s);
  store_b.silent = true;
  std::vector<query_answer> answers;
  door->query(page_of(page), [&](query_answer x) { answers.push_back(std::move(x)); });
  advance(300ms);
  CHECK(answers.empty());
  advance(500ms);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].source == answer_source::store);
  CHECK(answers[0].clicks == 1);
  CHECK(is_linked(*door));
  store_b.silent = false;
  advance(6s);
  CHECK(answers.size() == 1); // What it says in the end is not wanted any more.
}

SCENARIO_METHOD(linked_fixture, "what a node does not know is asked here", "[actor][links]") {
  const auto page = page_at(*door_b);
  post_to(*door, {click("e1", "u1", page)});
  advance(1s);
  store_b.cut = true;
  const auto answer = ask(page_of(page));
  CHECK(answer.code == errc::none);
  CHECK(answer.clicks == 1);
  CHECK(answer.source == answer_source::store);
}

SCENARIO_METHOD(linked_fixture, "when no time is left a question is refused, not asked again",
                "[actor][links]") {
  plan.request_timeout = 450ms;
  restart_node();
  advance(6s);
  const auto page = page_at(*door_b);
  store_b.silent = true;
  query_answer answer;
  answer.code = errc::internal;
  door->query(page_of(page), [&](query_answer x) { answer = std::move(x); });
  settle();
  network.down = true;
  network.cut_all();
  settle();
  CHECK(answer.code == errc::restarting);
  CHECK(answer.reason.find("lost") != std::string::npos);
}

SCENARIO_METHOD(linked_fixture, "who leaves is followed within a tenth of a second",
                "[actor][links]") {
  door_b->leave();
  advance(100ms);
  CHECK(states(*door) == "rrrr");
  CHECK(door_b->has_left());
}

SCENARIO_METHOD(linked_fixture, "who lost all links with MEMBERSHIP asks nobody else",
                "[actor][links]") {
  const auto page = page_at(*door_b);
  post_to(*door, {click("e1", "u1", page)});
  advance(1s);
  REQUIRE(ask(page_of(page)).code == errc::none);
  kill("membership");
  const auto answer = ask(page_of(page)); // At once, while it starts again.
  CHECK(answer.clicks == 1);
  CHECK(answer.source == answer_source::store);
}

SCENARIO_METHOD(linked_fixture, "an actor that starts again while nodes greet is known to both",
                "[actor][links]") {
  const auto page = page_at(*door); // Of the node that dials.
  post_to(*door, {click("e1", "u1", page)});
  advance(1s);
  network.cut_all();
  settle();
  std::vector<fake_network::work> on_their_way;
  network.later = [&](uint32_t, fake_network::work what) {
    on_their_way.push_back(std::move(what));
  };
  const auto let_go = [&] {
    for (auto& x : std::exchange(on_their_way, {}))
      x();
    settle();
  };
  advance(200ms);
  let_go(); // The dial; the greeting is on its way.
  REQUIRE_FALSE(is_linked(*door_b));
  SECTION("QUERY") {
    kill("query");
    advance(200ms);
  }
  SECTION("OWNERSHIP, and so another process by its number") {
    kill("ownership");
    advance(700ms);
  }
  for (int i = 0; i < 4; ++i)
    let_go();
  network.later = {};
  REQUIRE(is_linked(*door));
  REQUIRE(is_linked(*door_b));
  advance(8s);
  CHECK(network.links() == 1);
  const auto there = page_at(*door);
  const uint64_t asked = counts_b.remote_queries;
  REQUIRE(ask_of(*door_b, page_of(there)).code == errc::none);
  CHECK(ask_of(*door_b, page_of(there)).source == answer_source::actor);
  CHECK(counts_b.remote_queries == asked + 2);
}

SCENARIO_METHOD(linked_fixture,
                "as_of is not past an event that was acknowledged and is not counted",
                "[actor][links]") {
  const auto page = page_at(*door_b);
  post_to(*door, {click("e1", "u1", page)});
  advance(1s);
  REQUIRE(ask(page_of(page)).clicks == 1);
  store_b.hangs_in_applies = true;
  const auto since = time_us;
  REQUIRE(post_to(*door, {click("e2", "u1", page)}).results.at(0).status == outcome::accepted);
  advance(500ms);
  const auto answer = ask(page_of(page));
  CHECK(answer.source == answer_source::actor);
  CHECK(answer.clicks == 1);
  CHECK(answer.as_of_us <= since);
}

SCENARIO_METHOD(linked_fixture,
                "as_of is not past an event that is not in the answer, and counted when it comes",
                "[actor][links]") {
  const auto page = page_at(*door_b);
  post_to(*door, {click("e1", "u1", page)});
  advance(1s);
  REQUIRE(ask(page_of(page)).clicks == 1);
  const auto link = network.all_links().front();
  network.hold(link, 1, true); // What b sends waits.
  kill("log_reader");          // And for a moment it does not read the log.
  const auto since = time_us;
  REQUIRE(post_to(*door, {click("e2", "u1", page)}).results.at(0).status == outcome::accepted);
  advance(1ms);
  query_answer answer;
  answer.code = errc::internal;
  auto question = page_of(page);
  question.after = {{home_of(page), 0}}; // So that nobody else is asked meanwhile.
  door->query(question, [&](query_answer x) { answer = std::move(x); });
  advance(1500ms);
  REQUIRE(answer.code == errc::internal);
  network.hold(link, 1, false);
  settle();
  REQUIRE(answer.code == errc::none);
  CHECK(answer.clicks == 1);
  CHECK(answer.as_of_us <= since);
}

SCENARIO_METHOD(linked_fixture, "an actor that starts again is known to the other node soon",
                "[actor][links]") {
  for (const auto* name : {"query", "membership", "gateway", "ownership"}) {
    INFO(name);
    kill(name); // At both nodes.
    advance(6s);
    const auto page = page_at(*door_b);
    post_to(*door, {click(std::string{"e"} + name, name, page)});
    advance(1s);
    const uint64_t asked = counts.remote_queries;
    CHECK(ask(page_of(page)).clicks > 0); // It may have to be read.
    CHECK(ask(page_of(page)).source == answer_source::actor);
    CHECK(counts.remote_queries == asked + 2);
  }
}

SCENARIO_METHOD(linked_fixture, "who has just begun says nothing that is as of no time",
                "[actor][links]") {
  const auto page = page_at(*door);
  post_to(*door, {click("e1", "u1", page)});
  advance(1s);
  end_b();
  advance(5s);
  store_b.tells_no_progress = true;
  start_b();
  advance(2s);
  REQUIRE(states(*door_b).find('i') != std::string::npos);
  const auto home = home_of(page);
  REQUIRE(states(*door_b)[home] == 'i'); // It is node a's.
  CHECK_FALSE(door_b->running());
  query_answer early, later;
  early.code = later.code = errc::internal;
  door_b->query(page_of(page), [&](query_answer x) { early = std::move(x); });
  advance(1s);
  CHECK(early.code == errc::restarting);
  CHECK(early.reason.find("how far others are") != std::string::npos);
  door_b->query(page_of(page), [&](query_answer x) { later = std::move(x); });
  store_b.tells_no_progress = false;
  kill("ownership"); // The one that it asked for waits for ever.
  advance(6s);
  later.code = errc::internal;
  door_b->query(page_of(page), [&](query_answer x) { later = std::move(x); });
  advance(1s);
  CHECK(later.code == errc::none);
  CHECK(later.clicks == 1);
  CHECK(later.as_of_us > time_us - 10'000'000);
  CHECK(door_b->running());
}
