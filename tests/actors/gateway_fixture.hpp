#pragma once

#include "actors/ports/absent_store.hpp"
#include "actors/ports/told_log.hpp"
#include "tests/actors/linked_fixture.hpp"

namespace footfall::test {

/// The log of a node that may be deaf: what stands there it learns later.
struct deaf_log final : event_log {
  explicit deaf_log(event_log& inner) : inner(inner) {}
  const std::string& topic() const override { return inner.topic(); }
  uint32_t partitions() const override { return inner.partitions(); }
  void append(std::vector<log_record> batch, append_done done) override {
    inner.append(std::move(batch), std::move(done));
  }
  void fetch(uint32_t partition, int64_t from, fetch_limits most, fetch_done done) override {
    auto hear = [this, done = std::move(done)](caf::expected<log_batch> x) {
      if (!is_deaf)
        return done(std::move(x));
      missed.push_back([done, x = std::make_shared<caf::expected<log_batch>>(std::move(x))] {
        done(std::move(*x));
      });
    };
    inner.fetch(partition, from, most, std::move(hear));
  }
  void look(uint32_t partition, int64_t offset, look_done done) override {
    inner.look(partition, offset, std::move(done));
  }
  void applied(uint32_t partition, int64_t below) override { inner.applied(partition, below); }
  std::string health() const override { return inner.health(); }

  event_log& inner;
  bool is_deaf = false;
  std::vector<std::function<void()>> missed;
};

/// Node b has all roles and the store. The gateway is `door`; its name comes last, so that nobody
/// would dial it even if the store listed it.
struct gateway_fixture : linked_fixture {
  void begin(std::vector<std::string> seeds) {
    end_node();
    links_a.end();
    advance(8s); // What node a had is b's now.
    plan.node_name = name;
    plan.roles = "gateway";
    plan.links = name == "z" ? &links_z : &links_a;
    plan.address = name + ":1";
    plan.events = &none;
    plan.log = &nowhere;
    plan.has_store = plan.has_log = false;
    plan.seeds = std::move(seeds);
    plan.report = [this](const char*, const std::string& line) {
      if (line.find("node a ") == std::string::npos) // It is away, as the store's row says.
        lines.push_back(line);
    };
    door = std::make_unique<node>(system, plan);
    advance(1s);
  }
  ~gateway_fixture() {
    network.cut_all();
    settle();
    end_b();
    end_node();
    end_a();
  }
  void start_a(const std::string& roles, const std::string& as = "a") {
    auto again = plan_b;
    again.node_name = as;
    again.roles = roles;
    again.events = &store_a;
    again.counts = &counts;
    again.values = &values;
    again.links = as == "z" ? &links_z : &links_a;
    again.address = as + ":1";
    door_a = std::make_unique<node>(system, again);
    settle();
  }
  void end_a() {
    if (!door_a)
      return;
    door_a->begin_stop();
    settle();
    door_a.reset();
  }

  node_health health_of(node& of) {
    node_health found;
    of.health([&](node_health x) { found = std::move(x); });
    return found;
  }
  bool is_ready() { return health_of(*door).ready; }
  std::string members_of(node& of) {
    std::string out;
    for (const auto& x : health_of(of).members)
      out += (out.empty() ? "" : " ") + x.name + (x.self ? "!" : ":" + x.link);
    return out;
  }
  bool says(const std::string& what) {
    for (const auto& line : lines)
      if (line.find(what) != std::string::npos)
        return true;
    return false;
  }

  deaf_log log_b{log};
  absent_store none;
  told_log nowhere{"", 0, nullptr};
  fake_links links_z{network, "z", "z:1"};
  std::vector<std::string> lines;
  std::string name = "z";
  std::unique_ptr<node> door_a; ///< Node a, with its store, beside the gateway.
};

} // namespace footfall::test
