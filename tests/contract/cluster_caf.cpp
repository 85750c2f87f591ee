#include <catch2/catch.hpp>

#include <caf/io/middleman.hpp>

#include "net/cluster/peer_links.hpp"
#include "tests/contract/cluster_rig.hpp"

using namespace footfall::cluster;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

struct node_config : caf::actor_system_config {
  node_config() {
    set("scheduler.policy", caf::atom("sharing")).set("scheduler.max-threads", 1);
    set("scheduler.max-throughput", 200);
    tunnel_links::prepare(*this);
  }
};

/// Answers pings, and asks whom it is told to ask. CAF spawns no function without arguments
/// where the library's assertions are on.
caf::behavior peer(caf::event_based_actor* self, std::chrono::seconds patience) {
  return {
      [](caf::ping_atom) { return caf::pong_atom_v; },
      [](const std::string& text) { return text; },
      [self, patience](caf::get_atom, const caf::actor& other) {
        auto promise = self->make_response_promise();
        self->request(other, patience, caf::ping_atom_v).then([promise](caf::pong_atom) mutable {
          promise.deliver(std::string{"answered"});
        });
        return promise;
      },
  };
}

/// An actor system whose port is reached through a tunnel alone.
struct caf_node {
  caf_node(const cluster_folder& folder, const std::string& name)
      : root(system.spawn(peer, 5s)), tunnel(folder, {.name = name, .inner_port = publish()}) {}

  // What is published does not end by itself.
  ~caf_node() { caf::anon_send_exit(root, caf::exit_reason::user_shutdown); }

  uint16_t publish() {
    const auto port = system.middleman().publish(root, 0, "127.0.0.1");
    REQUIRE(port);
    return *port;
  }
  caf::actor dial(const caf_node& other, const std::string& name) {
    const auto reply = tunnel.dial(other.tunnel.port(), name);
    INFO(reply.text);
    REQUIRE(reply.outcome == dial_outcome::connected);
    const auto found = system.middleman().remote_actor("127.0.0.1", reply.link.inner_port);
    REQUIRE(found);
    return *found;
  }

  node_config config;
  caf::actor_system system{config};
  caf::actor root;
  tunnel_side tunnel;
};

std::string ask(caf::scoped_actor& self, const caf::actor& whom, const std::string& text) {
  std::string out;
  self->request(whom, 5s, text)
      .receive([&](const std::string& x) { out = x; }, [](const caf::error&) {});
  return out;
}

/// Seconds until the actor is down; 0 if it is not within ten.
double down_after(caf::scoped_actor& self, std::chrono::steady_clock::time_point since) {
  double out = 0;
  self->receive(
      [&](const caf::down_msg& x) {
        CHECK(x.reason == caf::exit_reason::remote_link_unreachable);
        out = std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
      },
      caf::after(10s) >> [] {});
  return out;
}

} // namespace

TEST_CASE("CAF's nodes talk through the tunnel, and notice its end", "[contract][cluster]") {
  cluster_folder folder;
  caf_node first{folder, "n1"}, second{folder, "n2"};
  auto& from = GENERATE(true, false) ? first : second;
  auto& to = &from == &first ? second : first;
  const auto remote = from.dial(to, &from == &first ? "n2" : "n1");
  REQUIRE(remote.node() == to.system.node());
  caf::scoped_actor self{from.system}, there{to.system};
  CHECK(ask(self, remote, "hello") == "hello");
  CHECK(ask(self, remote, std::string(200 << 10, 'x')) == std::string(200 << 10, 'x'));
  // The other way on the same link: it asks an actor that it was told of.
  std::string told;
  self->request(remote, 5s, caf::get_atom_v, from.root)
      .receive([&](const std::string& x) { told = x; }, [](const caf::error&) {});
  CHECK(told == "answered");
  // Heartbeats keep an idle link open, on both sides.
  self->monitor(remote);
  self->receive([](const caf::down_msg&) { FAIL("an idle link was ended"); },
                caf::after(3s) >> [] {});
  CHECK(ask(self, remote, "still here") == "still here");
  CHECK(from.tunnel.counters().links == 1);
  const auto link = to.tunnel.links().at(0);

  const auto before = std::chrono::steady_clock::now();
  const bool whole = GENERATE(true, false);
  if (whole)
    to.tunnel.end();
  else
    (*to.tunnel).cut(link.id);
  const auto took = down_after(self, before);
  WARN((whole ? "tunnel ended" : "link cut") << ": DOWN after " << took * 1e3 << " ms");
  CHECK(took > 0);
  CHECK(took < 3);
  CHECK(eventually([&] { return from.tunnel.counters().links == 0; }));
  if (!whole) {
    const auto again = from.dial(to, &from == &first ? "n2" : "n1");
    CHECK(ask(self, again, "back") == "back");
  }
}

TEST_CASE("CAF notices a host that is silent behind the tunnel", "[contract][cluster]") {
  // The other end is a tunnel without anything that reads or answers behind it.
  cluster_folder folder;
  plain_server silent;
  tunnel_side server{folder, {.name = "n2", .inner_port = silent.port()}};
  caf_node node{folder, "n1"};
  const auto reply = node.tunnel.dial(server.port(), "n2");
  REQUIRE(reply.outcome == dial_outcome::connected);
  const auto before = std::chrono::steady_clock::now();
  CHECK_FALSE(node.system.middleman().remote_actor("127.0.0.1", reply.link.inner_port));
  CHECK(std::chrono::steady_clock::now() - before < 5s);
  CHECK(eventually([&] { return node.tunnel.counters().links == 0; }));
}
