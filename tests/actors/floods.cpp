#include <catch2/catch.hpp>

#include <map>

#include "tests/support/deterministic.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

struct flood_fixture : node_fixture {
  explicit flood_fixture(partition_config pattern = {}) : node_fixture({}, {}, pattern) {}

  void post_types(const std::string& prefix, int first, int count) {
    std::vector<click_event> batch;
    for (int i = first; i < first + count; ++i) {
      auto x = click(prefix + std::to_string(i), "u" + std::to_string(i % 7));
      x.event_type = "type-" + std::to_string(i);
      batch.push_back(std::move(x));
    }
    post(std::move(batch));
    advance(50ms);
  }

  query_answer ask_page(const char* page = "/p") {
    auto question = count_of("", page);
    question.kind = query_kind::page;
    return ask(question);
  }

  /// By name, from the store; not by way of anything live.
  std::map<std::string, uint64_t> stored_types() {
    page_load page;
    events.load_pages({{default_site, "/p"}}, 0, 0, [&](caf::expected<snapshot<page_load>> x) {
      page = std::move(x->values.at(0));
    });
    std::vector<int32_t> numbers;
    for (const auto& x : page.by_type)
      numbers.push_back(x.first);
    std::map<std::string, uint64_t> out;
    events.type_names(default_site, numbers, [&](caf::expected<snapshot<std::string>> names) {
      for (size_t i = 0; i < names->values.size(); ++i)
        out[names->values.at(i)] = page.by_type[i].second;
    });
    return out;
  }
};

std::map<std::string, uint64_t> named(const query_answer& x) {
  std::map<std::string, uint64_t> out;
  for (const auto& row : x.rows)
    out[row.name] = row.clicks;
  return out;
}

} // namespace

SCENARIO_METHOD(flood_fixture, "a page of more types than are named is exact", "[actor][page]") {
  GIVEN("a live page that gets 2,500 types, some of them twice") {
    post_types("a", 0, 1);
    REQUIRE(ask_page().clicks == 1);
    post_types("b", 0, 900);
    post_types("c", 900, 900);
    CHECK(ask_page().other_types == 800);
    post_types("d", 1'800, 700);
    post_types("e", 400, 900);
    THEN("the live page and the store name the same, and the rest is one sum") {
      const auto live = ask_page();
      CHECK(live.source == answer_source::actor);
      CHECK(live.clicks == 3'401);
      CHECK(live.rows.size() == limits::named_types);
      CHECK(named(live) == stored_types());
      CHECK(named(live).at("type-0") == 2);
      CHECK(named(live).at("type-999") == 2);
      CHECK(live.other_types == 3'401 - 1'601);
      CHECK(live.more);
      WHEN("the page is loaded again") {
        for (int i = 0; i < 800; ++i)
          advance(500ms); // It is passivated meanwhile.
        THEN("the answer is the same") {
          const auto loaded = ask_page();
          CHECK(loaded.source == answer_source::store);
          CHECK(named(loaded) == named(live));
          CHECK(loaded.other_types == live.other_types);
        }
      }
    }
  }
}

struct few_pages_fixture : flood_fixture {
  static partition_config pattern() {
    partition_config out;
    out.live_pages_max = 16;
    return out;
  }
  few_pages_fixture() : flood_fixture(pattern()) {}
};

SCENARIO_METHOD(few_pages_fixture, "of pages that are clicked once few become live",
                "[actor][page]") {
  for (int i = 500; i-- > 0;)
    post({click("e" + std::to_string(i), "u1", "/" + std::to_string(i))});
  advance(1s);
  CHECK(counts.events_applied == 500);
  CHECK(counts.pages_loaded == 4); // A quarter of those that may be live.
  CHECK(counts.pages_live == 4);
  GIVEN("one of them, clicked again") {
    post({click("again", "u1", "/7")});
    advance(1s);
    THEN("it is live and exact") {
      CHECK(counts.pages_live == 5);
      CHECK(ask_page("/7").clicks == 2);
      CHECK(ask(count_of("u1", "/7")).clicks == 2);
    }
  }
  GIVEN("one of them, asked for before its second click") {
    REQUIRE(ask(count_of("u1", "/8")).clicks == 1);
    REQUIRE(ask(count_of("u1", "/8")).source == answer_source::cache);
    post({click("again", "u1", "/8")});
    advance(50ms);
    THEN("the cache has no older count") {
      CHECK(ask(count_of("u1", "/8")).clicks == 2);
    }
  }
}

SCENARIO_METHOD(few_pages_fixture, "a count of nothing is never kept", "[actor][page]") {
  GIVEN("counts of a page and a user before the first click of theirs") {
    for (int i = 0; i < 100; ++i)
      post({click("a" + std::to_string(i), "u1", "/other" + std::to_string(i))});
    advance(1s);
    REQUIRE(ask(count_of("u1", "/new")).clicks == 0);
    post({click("b", "u1", "/new")});
    advance(50ms);
    THEN("the first click is there at once") {
      CHECK(ask(count_of("u1", "/new")).clicks == 1);
    }
  }
}
