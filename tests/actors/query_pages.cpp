// Pages that only the store can tell of: what is asked for together is read together.
#include <map>

#include <catch2/catch.hpp>

#include "tests/actors/asked.hpp"
#include "tests/support/shared_store.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

/// Forty pages, all too big to be kept by user, each with clicks of its own number; the store
/// answers nothing for now.
struct wanted_fixture : node_fixture {
  static constexpr int pages = 40;

  static partition_config pattern() {
    partition_config out;
    out.users_per_page_max = 1;
    return out;
  }
  explicit wanted_fixture(bool may_be_damaged = false) : node_fixture({}, {}, pattern()) {
    if (may_be_damaged) {
      plan.events = &store;
      restart_node();
      advance(1s);
    }
    for (int i = 0; i < pages; ++i) {
      std::vector<click_event> clicks;
      for (int n = 0; n < i + 2; ++n) // By two users.
        clicks.push_back(click(std::to_string(i) + "-" + std::to_string(n),
                               "u" + std::to_string(n % 2), page(i)));
      post(clicks);
      ask(question(i)); // Live from here on.
    }
    advance(1s);
    events.hold_reads = true;
  }
  ~wanted_fixture() {
    let_go();
    end_node();
  }
  static std::string page(int i) { return "/" + std::to_string(i); }
  static query_ask question(int i) { return about(query_kind::page, page(i)); }
  void ask_all() {
    for (int i = 0; i < pages; ++i) {
      auto what = question(i);
      if (const auto at = positions.find(i); at != positions.end())
        what.after = at->second;
      door->query(what, [this, i](query_answer x) { answers[i] = std::move(x); });
      settle();
    }
  }
  size_t release() {
    const auto out = events.release_held();
    settle();
    return out;
  }
  void let_go() {
    events.hold_reads = false;
    for (int i = 0; i < 100; ++i) {
      release();
      advance(50ms);
    }
  }
  /// Each is as its page, and has a position.
  void check_all() {
    CHECK(answers.size() == pages);
    for (const auto& [i, x] : answers) {
      INFO(i << ": " << x.reason);
      CHECK(x.code == errc::none);
      CHECK(x.clicks == static_cast<uint64_t>(i) + 2);
      CHECK(x.users == 2);
      CHECK(x.source == answer_source::store);
      CHECK_FALSE(x.reached.empty());
    }
  }

  shared_rows rows{events, steady(), 0, {}, {}};
  shared_store store{rows};
  std::map<int, query_answer> answers;
  std::map<int, std::vector<position>> positions;
};

} // namespace

SCENARIO_METHOD(wanted_fixture, "pages that are asked for while others are read are read together",
                "[actor][query]") {
  ask_all();
  CHECK(answers.empty());
  CHECK(release() == 2);
  CHECK(answers.size() == 2); // One each, at once.
  CHECK(release() == 2);      // 32 and the rest.
  CHECK(release() == 0);
  check_all();
  THEN("those who wait for a position have theirs as soon") {
    for (const auto& [i, x] : std::exchange(answers, {}))
      if (i % 3 == 0)
        positions[i] = x.reached;
    ask_all();
    CHECK(release() == 2);
    CHECK(release() == 2);
    check_all();
  }
}

SCENARIO_METHOD(wanted_fixture, "watches of one page are one read of it", "[actor][watch]") {
  std::map<int, query_answer> told;
  std::vector<std::shared_ptr<void>> tokens;
  ask_all();
  for (int i = 0; i < 50; ++i)
    tokens.push_back(
        door->watch(default_site, page(5), [&told, i](query_answer x) { told[i] = std::move(x); }));
  settle();
  CHECK(release() == 2);
  CHECK(release() == 2);
  CHECK(release() == 0);
  check_all();
  CHECK(told.size() == 50);
  for (const auto& [i, x] : told)
    CHECK(x.clicks == 7);
}

SCENARIO_METHOD(wanted_fixture, "a read of many that fails for one's sake is made again for each",
                "[actor][query]") {
  ask_all();
  events.fail_next(errc::corrupt);
  CHECK(release() == 2);
  CHECK(answers.size() == 2);
  CHECK(release() == 2); // One of them failed, and nobody is told so.
  let_go();
  check_all();
}

namespace {

struct damaged_fixture : wanted_fixture {
  damaged_fixture() : wanted_fixture(true) {}
};

} // namespace

SCENARIO_METHOD(damaged_fixture, "one page's damage is told to those who ask for that page",
                "[actor][query]") {
  store.damaged_page = page(7);
  ask_all();
  std::vector<std::shared_ptr<void>> tokens;
  int told = 0;
  for (int i = 0; i < 20; ++i)
    tokens.push_back(door->watch(default_site, page(7), [&told](const query_answer&) { ++told; }));
  settle();
  for (int i = 0; i < 100; ++i)
    release();
  REQUIRE(answers.size() == pages);
  CHECK(answers.at(7).code == errc::corrupt);
  answers.erase(7);
  for (const auto& [i, x] : answers)
    CHECK(x.clicks == static_cast<uint64_t>(i) + 2);
  CHECK(told == 20);
  CHECK(store.damaged_reads <= 6); // With others, and then alone.
}

SCENARIO_METHOD(wanted_fixture, "pages that wait to be read are asked of a store that went back",
                "[actor][query]") {
  events.keep();
  ask_all();
  events.go_back();
  let_go();
  check_all();
}
