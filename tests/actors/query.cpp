#include <map>
#include <random>

#include <catch2/catch.hpp>

#include "tests/actors/asked.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

/// Pages with more than one user are too big to be kept by user: the store is asked.
struct big_pages_fixture : node_fixture {
  static partition_config pattern() {
    partition_config out;
    out.users_per_page_max = 1;
    return out;
  }
  big_pages_fixture() : node_fixture({}, {}, pattern()) {}
};

} // namespace

SCENARIO_METHOD(big_pages_fixture, "a watched page is told right, however long reads take",
                "[actor][watch]") {
  post({click("a", "u1"), click("b", "u2")});
  advance(1s);
  GIVEN("a watch whose reads have not come back when the page changes") {
    events.hold_reads = true;
    std::vector<query_answer> told;
    auto token = door->watch(default_site, "/p", [&](query_answer x) { told.push_back(x); });
    settle();
    for (const char* id : {"c", "d"}) {
      post({click(id, "u1")});
      advance(500ms);
    }
    auto release_one = [&] {
      const auto released = events.release_held(1);
      settle();
      return released > 0;
    };
    THEN("each answer has all its types, and the last has all clicks") {
      while (release_one())
        advance(10ms);
      REQUIRE(!told.empty());
      uint64_t before = 0;
      for (const auto& x : told) {
        CHECK(x.code == errc::none);
        REQUIRE(x.rows.size() == 1);
        CHECK(x.rows[0].name == "click");
        CHECK(x.rows[0].clicks == x.clicks);
        CHECK(x.clicks >= before);
        before = x.clicks;
      }
      CHECK(before == 4);
    }
    THEN("a change after them is told as well") {
      events.hold_reads = false;
      while (release_one()) {
      }
      post({click("e", "u3")});
      advance(1s);
      CHECK(told.back().clicks == 5);
    }
  }
}

namespace {

/// What an answer to a question counts, of all that it lists.
uint64_t counted(const query_answer& x) {
  uint64_t out = x.clicks;
  for (const auto& row : x.rows)
    out += row.clicks;
  for (const auto& point : x.points)
    out += point.clicks;
  return out;
}

/// A question that only the store can answer.
query_ask from_store(node_fixture& on, query_kind kind) {
  auto out = about(kind, kind == query_kind::top_pages ? "" : "/p");
  if (kind == query_kind::count)
    out = on.count_of("u1");
  if (kind == query_kind::series) {
    out.from_us = on.time_us - 60'000'000;
    out.to_us = out.from_us + 600'000'000;
  }
  return out;
}

} // namespace

SCENARIO_METHOD(node_fixture, "no answer is less than one that came before the question",
                "[actor][query]") {
  post({click("a")});
  advance(1s);
  const auto kind = GENERATE(query_kind::top_pages, query_kind::series, query_kind::count);
  const auto question = from_store(*this, kind);
  GIVEN("a read that takes long, and an apply that is answered meanwhile") {
    events.hold_reads = true;
    std::vector<query_answer> told(4);
    auto ask_as = [&](size_t i, const query_ask& what) {
      door->query(what, [&, i](query_answer x) { told[i] = std::move(x); });
      settle();
    };
    ask_as(0, question);
    events.hold_reads = false;
    auto after = question;
    after.after = {post({click("b")}).results.at(0).pos};
    ask_as(1, after);
    advance(50ms);
    REQUIRE(counted(told[1]) == 2);
    WHEN("the same is asked again, twice, before the first read is back") {
      ask_as(2, question);
      ask_as(3, question);
      events.release_held();
      settle();
      THEN("those have it too, by one read more") {
        CHECK(counted(told[0]) == 1);
        CHECK(counted(told[2]) == 2);
        CHECK(counted(told[3]) == 2);
        CHECK(counts.queries_merged == 1);
      }
    }
    WHEN("the actor dies while others wait for the end of the first") {
      ask_as(2, question);
      kill("query"); // It takes all that waits along.
      events.release_held();
      advance(1s);
      THEN("all are answered, and new ones as ever") {
        CHECK(told[2].code != errc::none);
        CHECK(counted(ask(question)) == 2);
        CHECK(door->in_flight() == 0);
      }
    }
  }
}

namespace {

/// Asks the same few questions again and again while reads of the store overtake each other.
class same_questions {
public:
  same_questions(node_fixture& node, std::mt19937& random) : node_(node), random_(random) {}

  void step() {
    switch (upto(7)) {
    case 0: last_ = node_.post({node_.click("", "u1", "/p")}).results.at(0).pos; return;
    case 1: node_.events.hold_reads = !node_.events.hold_reads; return;
    case 2: node_.events.release_held(upto(2)); return node_.settle();
    case 3: return node_.advance(std::chrono::milliseconds{upto(100)});
    default: return ask(upto(3));
    }
  }
  void finish() {
    node_.events.hold_reads = false;
    node_.events.release_held();
    node_.advance(1s);
  }

  size_t answers = 0;

private:
  size_t upto(size_t most) { return std::uniform_int_distribution<size_t>{0, most}(random_); }

  void ask(size_t which) {
    constexpr query_kind kinds[] = {query_kind::top_pages, query_kind::count, query_kind::page,
                                    query_kind::users};
    auto what = about(kinds[which], which == 0 ? "" : "/p");
    if (kinds[which] == query_kind::count)
      what.user_id = "u1";
    if (last_.offset >= 0 && upto(2) == 0)
      what.after = {last_};
    node_.door->query(what, [this, which, least = most_[which]](query_answer x) {
      if (x.code != errc::none)
        return; // Too late.
      ++answers;
      const auto now = counted(x);
      CHECK(now >= least);
      most_[which] = std::max(most_[which], now);
    });
    node_.settle();
  }

  node_fixture& node_;
  std::mt19937& random_;
  position last_{0, -1};
  std::map<size_t, uint64_t> most_; ///< That an answer has counted, by question.
};

} // namespace

TEST_CASE("answers never go back, whatever read comes first", "[actor][query]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random{seed};
  for (int round = 0; round < 12; ++round) {
    const bool is_big = round % 2 == 0;
    partition_config pattern;
    pattern.users_per_page_max = is_big ? 0 : 100;
    node_fixture node{{}, {}, pattern};
    same_questions client{node, random};
    for (int step = 0; step < 300; ++step)
      client.step();
    client.finish();
    CHECK(client.answers > 50);
  }
}

SCENARIO_METHOD(node_fixture, "a count that was read long ago is not remembered",
                "[actor][query][as_of]") {
  post({click("a")});
  advance(1s);
  GIVEN("a read that takes three seconds, and clicks meanwhile") {
    events.hold_reads = true;
    query_answer told;
    door->query(count_of("u1"), [&](query_answer x) { told = std::move(x); });
    settle();
    const auto began = time_us;
    events.hold_reads = false;
    advance(1s);
    post({click("b")});
    WHEN("the cache is told to forget before it is back") {
      if (GENERATE(false, true))
        kill("partition"); // The next one claims again.
      advance(2s);
      events.release_held();
      settle();
      THEN("its time is when it began, and no later answer is as old") {
        CHECK(told.clicks == 1);
        CHECK(told.as_of_us <= began);
        const auto next = ask(count_of("u1"));
        CHECK(next.clicks == 2);
        CHECK(next.as_of_us > began);
      }
    }
  }
}

SCENARIO_METHOD(node_fixture, "of users that tie only those are named that are told",
                "[actor][query]") {
  constexpr int users = 12'000;
  std::vector<click_event> clicks;
  for (int i = 0; i < users; ++i)
    clicks.push_back(click("", "u" + std::to_string(100'000 + i * 7'919 % users)));
  post(std::move(clicks));
  advance(5s);
  auto question = about(query_kind::users, "/p");
  question.limit = 10;
  const auto answer = ask(question);
  REQUIRE(answer.code == errc::none);
  REQUIRE(answer.rows.size() == 10);
  for (size_t i = 0; i < 10; ++i)
    CHECK(answer.rows[i].name == "u" + std::to_string(100'000 + i));
  CHECK(answer.more);
  CHECK(events.users_named < 100);
}
