#include "actors/model/actor_rows.hpp"

#include <catch2/catch.hpp>

using namespace footfall;
using footfall::model::choose_actors;

namespace {

actor_row row(const char* node, uint64_t id, uint64_t parent, const char* name, const char* key,
              uint64_t mailbox) {
  actor_row x;
  x.node = node;
  x.id = id;
  x.parent = parent;
  x.name = name;
  x.key = key;
  x.mailbox = mailbox;
  return x;
}

std::string ids(const std::vector<actor_row>& rows) {
  std::string out;
  for (const auto& x : rows)
    out += (out.empty() ? "" : " ") + x.node + std::to_string(x.id);
  return out;
}

const std::vector<actor_row> of_a = {
    row("a", 1, 0, "supervisor", "", 0), row("a", 2, 1, "partition", "0", 5),
    row("a", 3, 1, "partition", "1", 9), row("a", 4, 3, "page_aggregator", "/p", 1)};
const std::vector<actor_row> of_b = {row("b", 1, 0, "supervisor", "", 0),
                                     row("b", 2, 1, "partition", "2", 7),
                                     row("b", 4, 2, "page_aggregator", "/p", 8)};

std::string chosen(const std::vector<actor_row>& from, const actors_ask& ask, uint64_t matching) {
  uint64_t total = 0;
  auto out = ids(choose_actors(from, ask, total));
  CHECK(total == matching);
  return out;
}

} // namespace

TEST_CASE("actors are chosen, most first", "[model][actor_rows]") {
  actors_ask ask;
  CHECK(chosen(of_a, ask, 4) == "a4 a2 a3 a1");
  ask.order = actor_order::mailbox;
  CHECK(chosen(of_a, ask, 4) == "a3 a2 a4 a1");
  ask.limit = 2;
  CHECK(chosen(of_a, ask, 4) == "a3 a2");
  ask.name = "page_aggregator";
  CHECK(chosen(of_a, ask, 1) == "a4");
  ask.name = "partition";
  ask.key = "1";
  CHECK(chosen(of_a, ask, 1) == "a3");
}

TEST_CASE("a tree has those that stand above, once", "[model][actor_rows]") {
  actors_ask ask;
  ask.tree = true;
  ask.key = "/p";
  CHECK(chosen(of_a, ask, 1) == "a4 a3 a1");
  ask = {};
  ask.tree = true;
  CHECK(chosen(of_a, ask, 4) == "a4 a2 a3 a1");
}

TEST_CASE("what nodes chose by themselves is chosen again for all", "[model][actor_rows]") {
  for (const bool tree : {false, true})
    for (uint32_t limit = 1; limit < 8; ++limit)
      for (const auto* name : {"", "partition", "page_aggregator"}) {
        actors_ask ask;
        ask.order = actor_order::mailbox;
        ask.limit = limit;
        ask.name = name;
        ask.tree = tree;
        uint64_t total = 0, all_total = 0, ignored = 0;
        auto merged = choose_actors(of_a, ask, total);
        for (auto& x : choose_actors(of_b, ask, total))
          merged.push_back(x);
        auto all = of_a;
        all.insert(all.end(), of_b.begin(), of_b.end());
        ask.tree = false;
        CHECK(ids(choose_actors(merged, ask, ignored)) == ids(choose_actors(all, ask, all_total)));
        CHECK(total == all_total);
      }
}
