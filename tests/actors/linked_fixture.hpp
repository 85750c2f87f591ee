#pragma once

#include <string>

#include "actors/model/record.hpp"
#include "tests/actors/cluster_fixture.hpp"
#include "tests/support/fake_links.hpp"

namespace footfall::test {

using namespace std::chrono_literals;

/// Two whole nodes, "a" and "b", with a link between them.
struct linked_fixture : cluster_fixture {
  linked_fixture() : cluster_fixture(false) {
    plan.links = &links_a;
    plan.address = "a:1";
    plan_b.links = &links_b;
    plan_b.address = "b:1";
    restart_node();
    start_b();
    advance(5s);
  }
  ~linked_fixture() {
    network.cut_all();
    settle();
    end_b();
    end_node();
  }

  bool is_linked(node& of) {
    node_health found;
    of.health([&](node_health x) { found = std::move(x); });
    for (const auto& x : found.members)
      if (!x.self)
        return x.link == "up";
    return false;
  }
  /// A page whose partition runs at that node.
  std::string page_at(node& of) {
    const auto running = states(of);
    for (int i = 0;; ++i) {
      auto page = "/" + std::to_string(i);
      if (running[home_of(page)] == 'r')
        return page;
    }
  }
  static uint32_t home_of(const std::string& page) {
    return model::partition_of(model::record_key(default_site, page), partitions);
  }
  /// Questions and watches that any QUERY has.
  uint64_t open_at_queries() {
    uint64_t out = 0;
    for (const auto& entry : actor_directory::get().snapshot())
      if (entry->name == "query")
        for (auto* of : {door.get(), door_b.get()})
          of->actor("", entry->id, [&out](const actor_detail& x) {
            for (const auto& field : x.fields)
              if (field.name == "open")
                out += std::stoull(field.value);
          });
    settle();
    return out / 2; // Both nodes know all actors of the process.
  }
  query_ask page_of(const std::string& page) {
    auto out = count_of("", page);
    out.kind = query_kind::page;
    return out;
  }

  fake_network network{system};
  fake_links links_a{network, "a", "a:1"}, links_b{network, "b", "b:1"};
};

} // namespace footfall::test
