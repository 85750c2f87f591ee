#include <catch2/catch.hpp>

#include <thread>

#include "actors/ports/peer_links.hpp"
#include "proto/error.hpp"
#include "tests/contract/cluster_rig.hpp"

using namespace footfall;
using namespace footfall::cluster;
using namespace footfall::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

/// A tunnel to be dialled, another that dials, and what stands behind the first.
struct dialled {
  cluster_folder folder;
  plain_server inner;
  tunnel_side server{folder, {.name = "n1", .inner_port = inner.port()}};
  tunnel_side client{folder, {.name = "n2", .listens = false}};
};

/// Whether the dial ends in time, and not long after.
template <class Dial>
dial_answer timed(Dial dial) {
  const auto before = std::chrono::steady_clock::now();
  auto out = dial();
  CHECK(std::chrono::steady_clock::now() - before < 3s); // The deadline is at 1.5 s.
  return out;
}

} // namespace

TEST_CASE_METHOD(dialled, "a server must have the name that was dialled", "[contract][cluster]") {
  folder.make("n3", {"n3.internal", "127.0.0.1"});
  tunnel_side other{folder, {.name = "n3", .inner_port = inner.port()}};
  for (const char* good : {"n3", "N3.internal", "127.0.0.1", any_node}) {
    INFO(good);
    CHECK(client.dial(other.port(), good).outcome == dial_outcome::connected);
  }
  for (const char* bad : {"n1", "internal", "3.internal", "n3.internal.x", "10.0.0.1", ""}) {
    INFO(bad);
    const auto reply = client.dial(other.port(), bad);
    CHECK(reply.outcome == dial_outcome::not_trusted);
    CHECK_THAT(reply.text, Contains("127.0.0.1:" + std::to_string(other.port())));
  }
  CHECK_THAT(client.dial(other.port(), "n1").text, Contains("hostname mismatch"));
  CHECK(client.counters().dials_failed == 7);
}

TEST_CASE_METHOD(dialled, "a server must be of our authority and not expired",
                 "[contract][cluster]") {
  cluster_folder theirs;
  theirs.make("n1");
  tunnel_side foreign{theirs, {.name = "n1", .inner_port = inner.port()}};
  CHECK(client.dial(foreign.port(), any_node).outcome == dial_outcome::not_trusted);
  auto reply = client.dial(foreign.port(), "n1");
  CHECK(reply.outcome == dial_outcome::not_trusted);
  CHECK(foreign.refuses(refusal::refused_us));

  folder.make("old", {}, -7200, -3600);
  plain_server server;
  std::thread served{[&] { tls_stranger{folder, "old"}.serve(server.accept()); }};
  reply = client.dial(server.port(), "old");
  served.join();
  CHECK(reply.outcome == dial_outcome::not_trusted);
  CHECK_THAT(reply.text, Contains("expired"));
}

TEST_CASE("who dials is told when its certificate is not taken", "[contract][cluster]") {
  cluster_folder folder, theirs;
  plain_server inner;
  tunnel_side server{folder,
                     {.name = "n1", .inner_port = inner.port(), .allowed = {"n2", ".Nodes.Test"}}};
  folder.make("a.nodes.test");
  folder.make("nodes.test");
  folder.make("n22");
  // It believes what the server shows, but shows something else itself.
  theirs.write("ca.pem", [&] {
    std::string text;
    std::getline(std::ifstream{folder.path("ca.pem")}, text, '\0');
    std::string own;
    std::getline(std::ifstream{theirs.path("ca.pem")}, own, '\0');
    return text + own;
  }());
  const auto outcome = [&](const cluster_folder& of, const std::string& name) {
    return tunnel_side{of, {.name = name, .listens = false}}.dial(server.port(), "n1");
  };
  CHECK(outcome(folder, "n2").outcome == dial_outcome::connected);
  CHECK(outcome(folder, "a.nodes.test").outcome == dial_outcome::connected);
  for (const char* wrong : {"nodes.test", "n22"}) {
    const auto reply = outcome(folder, wrong);
    CHECK(reply.outcome == dial_outcome::refused_us);
    CHECK_THAT(reply.text, Contains("no name that it allows"));
  }
  CHECK(server.refuses(refusal::wrong_name, 2));
  const auto reply = outcome(theirs, "n2");
  CHECK(reply.outcome == dial_outcome::refused_us);
  CHECK_THAT(reply.text, Contains("unknown ca"));
  CHECK(server.refuses(refusal::foreign_authority));
}

TEST_CASE_METHOD(dialled, "dials that lead nowhere end in time and say why",
                 "[contract][cluster]") {
  SECTION("nobody listens") {
    const auto port = plain_server{}.port();
    const auto reply = timed([&] { return client.dial(port, "n1"); });
    CHECK(reply.outcome == dial_outcome::unreachable);
    CHECK_THAT(reply.text, Contains("refused"));
  }
  SECTION("a host that does not answer") {
    // Discarded by the standard, mostly: at least nobody answers there.
    const auto reply = timed([&] { return client.dial(4242, "n1", "192.0.2.1"); });
    CHECK((reply.outcome == dial_outcome::timeout || reply.outcome == dial_outcome::unreachable));
  }
  SECTION("a server that takes connections and says nothing") {
    plain_server silent;
    const auto reply = timed([&] { return client.dial(silent.port(), "n1"); });
    CHECK(reply.outcome == dial_outcome::timeout);
    auto plain = tunnel_side{folder, {.listens = false}};
    CHECK(timed([&] { return plain.dial(silent.port(), "n1"); }).outcome == dial_outcome::timeout);
  }
  SECTION("a server that hangs up, or speaks something else") {
    plain_server other;
    std::thread speaks{[&] {
      other.accept().close();
      auto second = other.accept();
      second.send("HTTP/1.1 400 Bad Request\r\n\r\n");
      second.receive();
    }};
    CHECK(timed([&] { return client.dial(other.port(), "n1"); }).outcome == dial_outcome::no_peer);
    CHECK(timed([&] { return client.dial(other.port(), "n1"); }).outcome == dial_outcome::no_peer);
    speaks.join();
  }
  SECTION("a name without an address") {
    const auto reply = timed([&] { return client.dial(4242, "n1", "no-such-host.invalid"); });
    CHECK((reply.outcome == dial_outcome::name_unknown || reply.outcome == dial_outcome::timeout));
  }
  SECTION("a tunnel behind which nothing listens") {
    tunnel_side lonely{folder, {.name = "n1", .inner_port = plain_server{}.port()}};
    const auto reply = timed([&] { return client.dial(lonely.port(), "n1"); });
    CHECK(reply.outcome == dial_outcome::not_ready);
    CHECK(lonely.refuses(refusal::not_ready));
  }
  SECTION("a tunnel without certificates, and the other way round") {
    tunnel_side plain{folder, {.inner_port = inner.port()}};
    CHECK(timed([&] { return client.dial(plain.port(), "n1"); }).outcome == dial_outcome::timeout);
    CHECK(plain.dial(server.port(), "n1").outcome == dial_outcome::timeout);
  }
  CHECK(client.counters().links == 0);
}

TEST_CASE_METHOD(dialled, "dials and links have limits", "[contract][cluster]") {
  plain_server silent;
  tunnel_side few{folder, {.name = "n2", .listens = false, .limits = {.links = 2, .dials = 3}}};
  std::vector<answer<dial_answer>> asked(5);
  for (auto& one : asked)
    (*few).dial("127.0.0.1", silent.port(), "n1", one.callback());
  size_t turned_away = 0;
  for (auto& one : asked)
    turned_away += one.get().outcome == dial_outcome::overloaded;
  CHECK(turned_away == 2);

  std::vector<plain_socket> held;
  for (int i = 0; i < 2; ++i) {
    const auto reply = few.dial(server.port(), "n1");
    REQUIRE(reply.outcome == dial_outcome::connected);
    held.push_back(plain_socket::to(reply.link.inner_port));
    REQUIRE(eventually([&] { return few.counters().links == held.size(); }));
  }
  CHECK(few.dial(server.port(), "n1").outcome == dial_outcome::overloaded);
  tunnel_side small{folder, {.name = "n1", .inner_port = inner.port(), .limits = {.links = 1}}};
  REQUIRE(client.dial(small.port(), "n1").outcome == dial_outcome::connected);
  REQUIRE(eventually([&] { return small.counters().links == 1; }));
  CHECK(client.dial(small.port(), "n1").outcome == dial_outcome::not_ready);
  CHECK(small.refuses(refusal::too_many));
}

TEST_CASE("a name that nobody resolves delays no other dial and no end", "[contract][cluster]") {
  cluster_folder folder;
  plain_server inner;
  tunnel_side server{folder, {.name = "n1", .inner_port = inner.port()}};
  const auto before = std::chrono::steady_clock::now();
  {
    tunnel_side client{folder, {.name = "n2", .listens = false}};
    std::vector<answer<dial_answer>> asked(10);
    for (auto& one : asked)
      (*client).dial("no-such-host.invalid", 1, "n1", one.callback());
    CHECK(client.dial(server.port(), "n1", "localhost").outcome == dial_outcome::connected);
    client.end();
    for (auto& one : asked)
      one.get();
  }
  CHECK(std::chrono::steady_clock::now() - before < 3s);
}

TEST_CASE("without certificates a tunnel stays on this machine", "[contract][cluster]") {
  tunnel_config config;
  config.host = "0.0.0.0";
  auto made = tunnel::open(std::move(config));
  REQUIRE_FALSE(made);
  CHECK_THAT(text_of(made.error()), Contains("loopback only") && Contains("0.0.0.0"));
  cluster_folder folder;
  tunnel_side plain{folder, {.listens = false}};
  const auto reply = plain.dial(4242, "n1", "192.0.2.1");
  CHECK(reply.outcome == dial_outcome::unreachable);
  CHECK_THAT(reply.text, Contains("only loopback"));
}

TEST_CASE("a port that cannot be had is said to be", "[contract][cluster]") {
  cluster_folder folder;
  tunnel_side first{folder, {.name = "n1"}};
  for (const char* host : {"127.0.0.1", "192.0.2.1", "no-such-host.invalid"}) {
    tunnel_config config;
    config.host = host;
    config.port = first.port();
    config.files = folder.files("n1");
    auto made = tunnel::open(std::move(config));
    REQUIRE_FALSE(made);
    CHECK_THAT(text_of(made.error()), Contains(host) && Contains("cannot listen"));
  }
}
