#pragma once

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

#include "actors/model/ownership.hpp"

namespace footfall::test {

using namespace footfall::model;
using kind = ownership_action::kind;

constexpr int64_t ms = 1'000;
constexpr int64_t s = 1'000'000;

/// One node, "me" with incarnation 5, and what the store shows it. A test changes the rows and
/// lets time pass; every beat is answered after 10 ms, unless a test answers by itself.
struct one_node {
  ownership it{{"me", 5}, true};
  beat_answer rows;
  int64_t now = 100 * s;
  uint64_t beat_no = 0;

  explicit one_node(uint32_t partitions = 1) {
    rows.nodes = {{.id = {"me", 5}}};
    for (uint32_t i = 0; i < partitions; ++i)
      rows.partitions.push_back({i, {}, 0});
  }

  node_row& peer(const std::string& name = "peer", int64_t incarnation = 1) {
    return rows.nodes.emplace_back(node_row{.id = {name, incarnation}});
  }
  /// The peer beats as well.
  void sign_of_life() { ++rows.nodes[1].beat; }

  ownership_actions send_beat() {
    now = std::max(now, it.wake_us());
    ownership_actions out;
    for (const auto& x : it.tick(now))
      if (x.what == kind::beat)
        beat_no = x.number;
      else
        out.push_back(x);
    return out;
  }
  ownership_actions answer() {
    now += 10 * ms;
    return it.beat_answered(beat_no, rows, now);
  }
  /// What the next beat brings.
  ownership_actions beat() {
    auto out = send_beat();
    for (const auto& x : answer())
      out.push_back(x);
    return out;
  }
  /// What all beats of so long a time bring.
  ownership_actions beat_for(int64_t us) {
    ownership_actions out;
    for (const auto end = now + us; now < end;)
      for (const auto& x : beat())
        out.push_back(x);
    return out;
  }
  /// Claims partition 0, and the store grants `epoch`.
  void own(int64_t epoch = 1) {
    const auto asked = beat();
    REQUIRE(asked.size() == 1);
    REQUIRE(asked[0].what == kind::claim);
    now += 10 * ms;
    const auto granted = it.claimed(0, asked[0].number, epoch, now);
    REQUIRE(granted.size() == 1);
    REQUIRE(granted[0].what == kind::run);
    rows.partitions[0] = {0, {"me", 5}, epoch};
  }
};

inline const ownership_action* find(const ownership_actions& all, kind what) {
  for (const auto& x : all)
    if (x.what == what)
      return &x;
  return nullptr;
}

} // namespace footfall::test
