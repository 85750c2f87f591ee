// Links between the actors of two systems, as nodes have them.
#include <catch2/catch.hpp>

#include <caf/all.hpp>

#include "actors/message_types.hpp"
#include "actors/messages.hpp"
#include "net/cluster/peer_links.hpp"
#include "tests/contract/cluster_rig.hpp"

using namespace footfall;
using namespace footfall::cluster;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

struct linked_config : caf::actor_system_config {
  linked_config() {
    add_messages(*this);
    set("scheduler.policy", caf::atom("sharing")).set("scheduler.max-threads", 1);
    tunnel_links::prepare(*this);
  }
};

/// Stands for MEMBERSHIP: tells who has sent a greeting, and answers it.
caf::behavior stand_in(caf::event_based_actor* self,
                       std::shared_ptr<caf::strong_actor_ptr> greeted) {
  return {
      [self, greeted](atom::hello, const peer_hello& x) {
        *greeted = self->current_sender();
        auto back = x;
        back.membership = caf::actor_cast<caf::strong_actor_ptr>(self);
        return back;
      },
  };
}

struct linked_node {
  linked_node(const cluster_folder& folder, const std::string& name, bool has_joined = true)
      : membership(system.spawn(stand_in, greeted)) {
    links_config to;
    to.host = "127.0.0.1";
    if (!name.empty()) {
      to.files = folder.files(name);
      to.files->node = name;
    }
    to.report = [](const std::string&) {};
    auto made = tunnel_links::open(system, std::move(to));
    INFO((made ? "" : text_of(made.error())));
    REQUIRE(made);
    links = std::move(*made);
    if (has_joined)
      links->begin(caf::actor_cast<caf::strong_actor_ptr>(membership));
  }
  ~linked_node() { caf::anon_send_exit(membership, caf::exit_reason::user_shutdown); }

  std::string address() const { return "127.0.0.1:" + std::to_string(links->port()); }
  caf::expected<peer_way> dial(const std::string& to, const std::string& name) {
    answer<caf::expected<peer_way>> said;
    links->dial(to, name, said.callback());
    return said.get();
  }
  caf::expected<peer_way> identify(const caf::strong_actor_ptr& whom) {
    answer<caf::expected<peer_way>> said;
    links->identify(whom, said.callback());
    return said.get();
  }

  std::shared_ptr<caf::strong_actor_ptr> greeted = std::make_shared<caf::strong_actor_ptr>();
  linked_config config;
  caf::actor_system system{config};
  caf::actor membership;
  std::unique_ptr<tunnel_links> links;
};

} // namespace

TEST_CASE("a node reaches the MEMBERSHIP of another, and each knows who the other is",
          "[contract][cluster]") {
  cluster_folder folder;
  const bool certified = GENERATE(true, false);
  linked_node n1{folder, certified ? "n1" : ""}, n2{folder, certified ? "n2" : ""};
  const auto way = n1.dial(n2.address(), certified ? "n2" : "localhost");
  INFO((way ? "" : text_of(way.error())));
  REQUIRE(way);
  CHECK(way->membership->node() == n2.system.node());
  CHECK(way->certified == certified);
  CHECK(way->may_be("N2"));
  CHECK(way->may_be("n1") != certified);

  caf::scoped_actor self{n1.system};
  peer_hello hello;
  hello.node = {"n1", 7};
  hello.membership = caf::actor_cast<caf::strong_actor_ptr>(self);
  hello.query = caf::actor_cast<caf::strong_actor_ptr>(n1.membership);
  bool is_answered = false;
  self->request(caf::actor_cast<caf::actor>(way->membership), 5s, atom::hello_v, hello)
      .receive(
          [&](const peer_hello& x) {
            is_answered = true;
            CHECK(x.node == owner_id{"n1", 7});
            CHECK(x.query == n1.membership); // Through bytes and back.
            CHECK(x.ingestion == nullptr);
            CHECK(x.membership == way->membership);
          },
          [](const caf::error& why) { FAIL(to_string(why)); });
  REQUIRE(is_answered);
  const auto who = n2.identify(*n2.greeted);
  REQUIRE(who);
  CHECK(who->certified == certified);
  CHECK(who->may_be("n1"));
  CHECK(who->may_be("n2") != certified);

  SECTION("who cuts a link is heard at once, on either side") {
    self->monitor(caf::actor_cast<caf::actor>(way->membership));
    const bool here = GENERATE(true, false);
    (here ? n1 : n2).links->cut(here ? way->link : who->link);
    self->receive([](const caf::down_msg&) {}, caf::after(5s) >> [] { FAIL("no DOWN"); });
    const auto again = n1.dial(n2.address(), certified ? "n2" : "localhost");
    CHECK(again);
  }
  SECTION("who begins anew has no link any more") {
    self->monitor(caf::actor_cast<caf::actor>(way->membership));
    n2.links->begin(caf::actor_cast<caf::strong_actor_ptr>(n2.membership));
    self->receive([](const caf::down_msg&) {}, caf::after(5s) >> [] { FAIL("no DOWN"); });
    CHECK_FALSE(n2.identify(*n2.greeted));
  }
}

TEST_CASE("a dial that leads to no node says why", "[contract][cluster]") {
  cluster_folder folder;
  linked_node n1{folder, "n1"};
  auto why = [&](const std::string& address, const std::string& name) {
    const auto way = n1.dial(address, name);
    return way ? "" : text_of(way.error());
  };
  CHECK(why("nowhere", "n2").find("--cluster-advertise") != std::string::npos);
  CHECK(why("127.0.0.1:0", "n2").find("is no address") != std::string::npos);
  CHECK(why("127.0.0.1:1", "n2").find("127.0.0.1:1") != std::string::npos);
  linked_node n2{folder, "n2", false};
  CHECK(why(n2.address(), "n2").find("starts") != std::string::npos);
  // Nothing of that is left, so that the next link is one that can be cut.
  CHECK(eventually([&] { return n1.links->counters().links == 0; }));
  n2.links->begin(caf::actor_cast<caf::strong_actor_ptr>(n2.membership));
  const auto way = n1.dial(n2.address(), "n2");
  REQUIRE(way);
  CHECK(n1.links->counters().links == 1);
  n1.links->cut(way->link);
  CHECK(eventually([&] { return n1.links->counters().links == 0; }));
  CHECK(why(n2.address(), "n3").find("n3") != std::string::npos); // Its certificate is n2's.
}

TEST_CASE("a node's certificate must have its name", "[contract][cluster]") {
  cluster_folder folder;
  folder.make("n1");
  linked_config config;
  caf::actor_system system{config};
  links_config to;
  to.host = "127.0.0.1";
  to.files = folder.files("n1");
  to.files->node = "n9";
  const auto made = tunnel_links::open(system, std::move(to));
  REQUIRE_FALSE(made);
  const auto why = text_of(made.error());
  CHECK(why.find("is for n1") != std::string::npos);
  CHECK(why.find("n9") != std::string::npos);
}
