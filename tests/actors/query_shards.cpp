#include <catch2/catch.hpp>

#include "tests/actors/asked.hpp"
#include "tests/support/sharded_store.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

struct has_shards {
  sharded_store shards; ///< Outlives the node.
};

/// A node whose sites are in two databases; the first user and the first type of each of
/// them have the same numbers there.
struct shards_fixture : has_shards, node_fixture {
  shards_fixture() {
    plan.events = &shards;
    restart_node();
    advance(1s);
    post_to("north", "ann", "read");
    post_to("south", "bob", "buy");
    advance(1s);
  }

  void post_to(const std::string& site, const std::string& user, const std::string& type) {
    auto x = click("", user, sharded_store::page_of(site));
    x.site_id = site;
    x.event_type = type;
    REQUIRE(post({std::move(x)}).results.at(0).code == errc::none);
  }

  /// What is named in answer to a question about the site's page.
  std::vector<std::string> named(query_kind kind, const std::string& site) {
    auto question = about(kind, sharded_store::page_of(site));
    question.site_id = site;
    std::vector<std::string> out;
    const auto answer = ask(question);
    CHECK(answer.code == errc::none);
    for (const auto& row : answer.rows)
      out.push_back(row.name);
    return out;
  }

  using names = std::vector<std::string>;
};

} // namespace

SCENARIO_METHOD(shards_fixture, "numbers of two databases are not taken for each other",
                "[actor][query][shards]") {
  GIVEN("two sites whose users and types have the same numbers in different databases") {
    const bool north_first = GENERATE(true, false);
    const std::string first = north_first ? "north" : "south";
    const std::string second = north_first ? "south" : "north";
    auto type_at = [](const std::string& site) { return site == "north" ? "read" : "buy"; };
    auto user_at = [](const std::string& site) { return site == "north" ? "ann" : "bob"; };
    THEN("each page has its own types, and the first as before when it is asked again") {
      CHECK(named(query_kind::page, first) == names{type_at(first)});
      CHECK(named(query_kind::page, second) == names{type_at(second)});
      CHECK(named(query_kind::page, first) == names{type_at(first)});
      CHECK(shards.types_read == 2); // Each once.
    }
    THEN("each page has its own users") {
      CHECK(named(query_kind::users, first) == names{user_at(first)});
      CHECK(named(query_kind::users, second) == names{user_at(second)});
      CHECK(named(query_kind::users, first) == names{user_at(first)});
      CHECK(shards.users_read() == 2);
    }
    THEN("users and types with the same number are kept apart as well") {
      CHECK(named(query_kind::users, first) == names{user_at(first)});
      CHECK(named(query_kind::page, first) == names{type_at(first)});
    }
  }
}
