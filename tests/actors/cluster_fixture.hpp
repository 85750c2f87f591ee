#pragma once

#include <array>
#include <memory>
#include <string>

#include "tests/actors/asked.hpp"
#include "tests/support/shared_store.hpp"

namespace footfall::test {

/// Two whole nodes, "a" and "b", on one log and store; `door` is a's.
struct cluster_fixture : node_fixture {
  static constexpr uint32_t partitions = 4;

  explicit cluster_fixture(bool both = true) {
    plan.node_name = "a";
    plan.events = &store_a;
    plan.roles = "gateway,ingest,aggregate,query";
    plan_b = plan;
    plan_b.node_name = "b";
    plan_b.events = &store_b;
    plan_b.values = &values_b;
    plan_b.counts = &counts_b;
    restart_node();
    if (both)
      start_b();
    advance(std::chrono::seconds{5});
  }
  ~cluster_fixture() {
    end_b();
    end_node();
  }

  void start_b() { door_b = std::make_unique<node>(system, plan_b); }
  /// As kill -9: nothing is given away.
  void end_b() {
    if (!door_b)
      return;
    door_b->begin_stop();
    settle();
    door_b.reset();
  }

  /// Of each partition one letter: r(unning), i(dle), c(laiming), s(topped).
  std::string states(node& of) {
    std::string out;
    of.partitions([&](const partitions_reply& x) {
      for (const auto& row : x.rows)
        out += row.state.at(0);
    });
    settle();
    return out;
  }
  std::string both_states() { return states(*door) + "/" + (door_b ? states(*door_b) : ""); }
  /// Each partition runs at one node, two at each.
  bool is_even() {
    const auto x = states(*door), y = states(*door_b);
    for (size_t i = 0; i < partitions; ++i)
      if ((x[i] == 'r') == (y[i] == 'r'))
        return false;
    return std::count(x.begin(), x.end(), 'r') == 2;
  }

  query_answer ask_of(node& of, query_ask what) {
    query_answer out;
    out.code = errc::internal;
    of.query(std::move(what), [&out](query_answer x) { out = std::move(x); });
    settle();
    return out;
  }
  ingest_reply post_to(node& to, std::vector<click_event> clicks) {
    ingest_reply out;
    to.ingest(std::move(clicks), [&out](ingest_reply x) { out = std::move(x); });
    settle();
    return out;
  }

  shared_rows rows{events, steady(), 0, {}, {}};
  shared_store store_a{rows}, store_b{rows};
  memory_cache values_b{{size_t{1} << 20, 1000, 1000, 30'000'000, steady()}};
  metrics counts_b;
  node_config plan_b;
  std::unique_ptr<node> door_b;
};

} // namespace footfall::test
