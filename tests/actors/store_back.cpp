#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "tests/support/deterministic.hpp"
#include "tests/support/seed.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

constexpr int sites = 3;
constexpr int pages = 5;

/// Sites whose users and pages nobody else has, and what each of them should be told.
struct back_fixture : node_fixture {
  explicit back_fixture(memory_store::config store_config = {}, bool log_retains = true)
      : node_fixture(store_config, log_that(log_retains)) {}

  static memory_log::config log_that(bool retains) {
    memory_log::config out;
    out.retains = retains;
    return out;
  }

  struct pair {
    std::string site, page, user;
    auto operator<=>(const pair&) const = default;
  };

  static std::string site(int i) { return "site" + std::to_string(i); }

  /// One click on each page of each site, by a user of that site and round.
  std::vector<click_event> clicks_of(const std::string& round) {
    std::vector<click_event> out;
    for (int i = 0; i < sites; ++i)
      for (int k = 0; k < pages; ++k) {
        auto x = click(round + std::to_string(i) + "." + std::to_string(k), round + "@" + site(i),
                       "/" + round + std::to_string(k));
        x.site_id = site(i);
        out.push_back(x);
        x.event_id += "all";
        x.page_url = "/all";
        out.push_back(x);
      }
    return out;
  }
  std::vector<position> post_round(const std::string& round) {
    auto events_in = clicks_of(round);
    for (const auto& x : events_in) // A round that comes again is a duplicate.
      if (ids.insert(x.site_id + x.event_id).second)
        ++truth[{x.site_id, x.page_url, x.user_id}];
    std::map<uint32_t, position> last;
    const auto reply = post(std::move(events_in));
    for (const auto& x : reply.results)
      last[x.pos.partition] = x.pos;
    std::vector<position> out;
    for (const auto& [partition, x] : last)
      out.push_back(x);
    return out;
  }

  query_ask about(const pair& x, query_kind kind) {
    auto out = count_of(x.user, x.page);
    out.site_id = x.site;
    out.kind = kind;
    out.limit = 100;
    out.deadline_us = time_us + 5'000'000;
    return out;
  }

  /// Asks for everything. `behind`: less than the truth is right, or no answer.
  void ask_all(bool behind = false) {
    for (const auto& [x, clicks] : truth) {
      INFO(x.site << x.page << ' ' << x.user);
      const auto count = ask(about(x, query_kind::count));
      CHECK(count.clicks <= clicks);
      if (!behind) {
        CHECK(count.code == errc::none);
        CHECK(count.clicks == clicks);
      }
      const auto users = ask(about(x, query_kind::users));
      for (const auto& row : users.rows) {
        INFO(row.name);
        auto at = truth.find({x.site, x.page, row.name});
        REQUIRE(at != truth.end()); // Nobody of another site, and nobody without a name.
        CHECK(row.clicks <= at->second);
      }
      if (!behind)
        CHECK(users.rows.size() == users_of(x));
    }
  }
  size_t users_of(const pair& on) {
    std::set<std::string> out;
    for (const auto& [x, clicks] : truth)
      if (x.site == on.site && x.page == on.page)
        out.insert(x.user);
    return out.size();
  }
  void settle_down() {
    advance(1s);
    ask_all();
    ask_all(); // From the cache, once more.
    advance(1s);
  }

  std::map<pair, uint64_t> truth;
  std::set<std::string> ids;
};

} // namespace

SCENARIO_METHOD(back_fixture, "a store that went back is replayed, and nothing of before is left",
                "[actor][store_back]") {
  post_round("early");
  settle_down();
  events.keep();
  post_round("late");
  settle_down();
  GIVEN("a tail that is lost") {
    events.go_back();
    settle();
    WHEN("nothing else comes") {
      THEN("every count is right at once") {
        ask_all(true);
        advance(100ms);
        ask_all();
        advance(2s);
        ask_all();
      }
    }
    WHEN("others come first and take the numbers that were lost") {
      post_round("new");
      ask_all(true);
      advance(100ms);
      THEN("every count is right, and every name of its site") {
        ask_all();
        post_round("late");
        advance(2s);
      }
    }
    WHEN("it happens again") {
      advance(500ms);
      events.go_back();
      ask_all(true);
      events.go_back();
      advance(1s);
      THEN("every count is right") {
        ask_all();
      }
    }
  }
}

SCENARIO_METHOD(back_fixture, "a lost position is waited for", "[actor][store_back]") {
  post_round("early");
  settle_down();
  events.keep();
  const auto after = post_round("late");
  settle_down();
  GIVEN("a store that went back and does not answer yet") {
    for (int i = 0; i < 8; ++i)
      events.fail_next(errc::store_unavailable);
    events.go_back();
    auto question = about({site(1), "/late1", "late@" + site(1)}, query_kind::count);
    for (const auto kind : {query_kind::count, query_kind::page, query_kind::users,
                            query_kind::top_pages, query_kind::series}) {
      question.kind = kind;
      question.user_id = kind == query_kind::count ? "late@" + site(1) : "";
      if (kind == query_kind::series) {
        question.from_us = time_us - 60'000'000;
        question.to_us = time_us + 60'000'000;
      }
      question.after = after;
      question.deadline_us = time_us + 5'000'000;
      query_answer told;
      told.code = errc::internal;
      door->query(question, [&](query_answer x) { told = std::move(x); });
      settle();
      CHECK(told.code == errc::internal); // It waits.
      advance(1900ms);
      REQUIRE(told.code == errc::none);
      for (const auto& wanted : after)
        CHECK(std::any_of(told.reached.begin(), told.reached.end(), [&](const position& x) {
          return x.partition == wanted.partition && x.offset >= wanted.offset;
        }));
      if (kind == query_kind::count)
        CHECK(told.clicks == 1);
      for (int i = 0; i < 8; ++i)
        events.fail_next(errc::store_unavailable);
      events.go_back();
    }
  }
  GIVEN("a store that went back and stays away") {
    for (int i = 0; i < 1000; ++i)
      events.fail_next(errc::store_unavailable);
    events.go_back();
    auto question = about({site(1), "/late1", "late@" + site(1)}, query_kind::count);
    question.after = after;
    query_answer told;
    told.code = errc::internal;
    door->query(question, [&](query_answer x) { told = std::move(x); });
    advance(3s);
    CHECK(told.code == errc::position_not_reached);
  }
}

namespace {

struct short_log_fixture : back_fixture {
  short_log_fixture() : back_fixture({}, false) {}
};

} // namespace

SCENARIO_METHOD(short_log_fixture, "a tail that the log has no more stops its partitions",
                "[actor][store_back]") {
  post_round("early");
  settle_down();
  events.keep();
  const auto lost = post_round("late");
  settle_down();
  events.go_back();
  advance(1s);
  CHECK(counts.partitions_stopped == lost.size());
  door->health([](node_health x) { CHECK_FALSE(x.ready); });
  auto question = about({site(1), "/late1", "late@" + site(1)}, query_kind::count);
  question.after = lost;
  query_answer told;
  told.code = errc::internal;
  door->query(question, [&](query_answer x) { told = std::move(x); });
  advance(3s);
  CHECK(told.code == errc::position_not_reached);
}

namespace {

struct slow_back_fixture : back_fixture {
  slow_back_fixture() : back_fixture({"memory", true}) { work(); }

  /// Lets the store answer, in the order it was asked.
  void work(std::chrono::milliseconds time = 2s) {
    for (; time.count() > 0; time -= 50ms) {
      while (events.release(1) > 0)
        settle();
      advance(50ms);
    }
  }
  query_answer wait_for(const query_ask& what) {
    query_answer out;
    out.code = errc::internal;
    door->query(what, [&out](query_answer x) { out = std::move(x); });
    settle();
    while (events.release(1) > 0)
      settle();
    return out;
  }
  /// Asks without letting the store answer.
  void begin(const pair& x, query_kind kind) {
    door->query(about(x, kind), [this, x, kind](query_answer told) {
      ++answered;
      if (told.code != errc::none)
        return;
      if (kind == query_kind::count)
        wrong += told.clicks != truth.at(x) && told.clicks != 0 ? 1 : 0;
      else
        for (const auto& row : told.rows)
          wrong += truth.count({x.site, x.page, row.name}) == 0 ? 1 : 0;
    });
    settle();
  }
  void check_all() {
    for (const auto& [x, clicks] : truth) {
      INFO(x.site << x.page << ' ' << x.user);
      CHECK(wait_for(about(x, query_kind::count)).clicks == clicks);
      CHECK(wait_for(about(x, query_kind::users)).rows.size() == users_of(x));
    }
  }
  size_t answered = 0;
  size_t wrong = 0;
};

} // namespace

SCENARIO_METHOD(slow_back_fixture,
                "answers that were under way when the store went back count "
                "for nothing",
                "[actor][store_back]") {
  post_round("early");
  work();
  check_all();
  events.keep();
  post_round("late");
  work();
  check_all();
  GIVEN("questions, applies and loads that the store has answered, and that are on their way") {
    post_round("later");
    for (const auto& [x, clicks] : truth) {
      begin(x, query_kind::count);
      begin(x, query_kind::users);
    }
    const auto under_way = GENERATE(0, 1, 3, 7, 20, 1000);
    events.release(static_cast<size_t>(under_way));
    events.go_back();
    WHEN("they come in one after the other") {
      post_round("new");
      work();
      THEN("no answer is wrong, and in the end all is right") {
        CHECK(wrong == 0);
        CHECK(answered > 0);
        check_all();
      }
    }
  }
}

SCENARIO_METHOD(back_fixture, "questions go on while the store goes back again and again",
                "[actor][store_back]") {
  const auto seed = test::new_seed();
  INFO(test::repeated_by(seed));
  std::minstd_rand chance(seed);
  for (int round = 0; round < 30; ++round) {
    if (chance() % 3 == 0)
      events.keep();
    post_round("r" + std::to_string(chance() % 8) + "x");
    if (chance() % 2 == 0)
      advance(std::chrono::milliseconds(chance() % 600));
    if (chance() % 3 == 0)
      events.go_back();
    for (int i = 0; i < 10; ++i) {
      auto at = truth.begin();
      std::advance(at, static_cast<long>(chance() % truth.size()));
      const auto told = ask(about(at->first, query_kind::count));
      CHECK(told.clicks <= at->second);
      for (const auto& row : ask(about(at->first, query_kind::users)).rows)
        CHECK(truth.count({at->first.site, at->first.page, row.name}) == 1);
    }
  }
  advance(3s);
  ask_all();
}
