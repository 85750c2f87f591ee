#include "actors/model/target.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

using namespace footfall::model;

namespace {

using names = std::vector<std::string>;

/// Partitions 0, 1, ... with these owners; empty: nobody.
std::vector<partition_row> partitions(const names& owners) {
  std::vector<partition_row> out;
  for (const auto& x : owners)
    out.push_back({static_cast<uint32_t>(out.size()), {x, x.empty() ? 0 : 1}, 1});
  return out;
}

std::vector<node_row> nodes(const names& all) {
  std::vector<node_row> out;
  for (const auto& x : all)
    out.push_back({.id = {x, 1}});
  return out;
}

std::map<std::string, size_t> shares(const names& owners) {
  std::map<std::string, size_t> out;
  for (const auto& x : owners)
    ++out[x];
  return out;
}

size_t moves(const names& before, const names& after) {
  size_t out = 0;
  for (size_t i = 0; i < before.size(); ++i)
    out += before[i] != after[i];
  return out;
}

} // namespace

TEST_CASE("partitions are spread by floors and ceilings", "[target]") {
  const auto out = target(partitions(names(8)), nodes({"a", "b", "c"}));
  auto found = shares(out);
  CHECK(found.size() == 3);
  for (const auto& [node, count] : found)
    CHECK((count == 2 || count == 3));
  CHECK(target(partitions(names(3)), nodes({"a"})) == names{"a", "a", "a"});
  CHECK(target({}, nodes({"a"})).empty());
}

TEST_CASE("the target does not depend on the order of the rows of nodes", "[target]") {
  const auto rows = partitions({"a", "", "b", "", "", "a", "", ""});
  CHECK(target(rows, nodes({"a", "b", "c"})) == target(rows, nodes({"c", "a", "b"})));
}

TEST_CASE("what is spread evenly stays where it is", "[target]") {
  const names even{"c", "a", "b", "a", "b"};
  CHECK(target(partitions(even), nodes({"a", "b", "c"})) == even);
}

TEST_CASE("the larger shares go to those that have most", "[target]") {
  const names before{"b", "b", "b", "a", "a"};
  CHECK(target(partitions(before), nodes({"a", "b"})) == before);
}

TEST_CASE("of a node that is gone only its partitions move", "[target]") {
  const names before{"a", "b", "c", "a", "b", "c"};
  const auto after = target(partitions(before), nodes({"a", "c"}));
  CHECK(moves(before, after) == 2);
  CHECK(shares(after) == std::map<std::string, size_t>{{"a", 3}, {"c", 3}});
}

TEST_CASE("a node that joins gets its share, and nothing else moves", "[target]") {
  const names before{"a", "a", "a", "a", "b", "b", "b", "b"};
  const auto after = target(partitions(before), nodes({"a", "b", "c"}));
  CHECK(shares(after)["c"] == 2);
  CHECK(moves(before, after) == 2);
}

TEST_CASE("a node that starts again keeps what its earlier process had", "[target]") {
  auto all = nodes({"a", "b"});
  all[0].id.incarnation = 9;
  const names before{"b", "a", "b", "a"};
  CHECK(target(partitions(before), all) == before);
}

TEST_CASE("only nodes that live, aggregate, do not drain and have the log get partitions",
          "[target]") {
  const auto rows = partitions({"b", "a", "b", ""});
  auto all = nodes({"a", "b"});
  const names only_a(4, "a");
  SECTION("late") {
    all[1].seen = sight::late;
  }
  SECTION("gone") {
    all[1].seen = sight::gone;
  }
  SECTION("another role") {
    all[1].aggregates = false;
  }
  SECTION("draining") {
    all[1].draining = true;
  }
  SECTION("without the log") {
    all[1].log = log_reach::lost;
  }
  CHECK(target(rows, all) == only_a);
}

TEST_CASE("a node whose log fails for a moment keeps what it has", "[target]") {
  auto all = nodes({"a", "b"});
  all[1].log = log_reach::fails;
  const names before{"b", "a"};
  CHECK(target(partitions(before), all) == before);
}

TEST_CASE("where no node may own anything the target is nobody", "[target]") {
  auto all = nodes({"a"});
  all[0].draining = true;
  CHECK(target(partitions({"a", ""}), all) == names{"", ""});
  CHECK(target(partitions({"a"}), {}) == names{""});
}

TEST_CASE("weights are the same in every program", "[target]") {
  CHECK(rendezvous_weight("n1", 3)
        == 0x8e4e2c471c47fe88u); // By another program, from the definition.
  CHECK(rendezvous_weight("n1", 1) != rendezvous_weight("n1", 0));
  CHECK(rendezvous_weight("n2", 0) != rendezvous_weight("n1", 0));
}

TEST_CASE("whatever the rows say, the target is even, still, and moves no more than it must",
          "[target]") {
  std::mt19937 random{7};
  for (int run = 0; run < 2'000; ++run) {
    INFO("run " << run);
    names all;
    for (size_t i = 0; i < 1 + random() % 6; ++i)
      all.push_back(std::string(1, static_cast<char>('a' + i)));
    names before(random() % 40);
    for (auto& x : before)
      if (const auto i = random() % (all.size() + 2); i < all.size() + 1)
        x = i < all.size() ? all[i] : "dead";
    const auto after = target(partitions(before), nodes(all));
    auto has = shares(before);
    size_t kept_least = 0;
    const auto least = before.size() / all.size();
    for (const auto& x : all) {
      const auto share = shares(after)[x];
      REQUIRE((share == least || share == least + 1));
      kept_least += std::min(has[x], least);
    }
    REQUIRE(before.size() - moves(before, after) >= kept_least);
    REQUIRE(target(partitions(after), nodes(all)) == after);
  }
}
