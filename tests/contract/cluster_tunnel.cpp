#include <catch2/catch.hpp>

#include <future>
#include <random>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/cluster_rig.hpp"

using namespace footfall;
using namespace footfall::cluster;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

std::string noise(size_t size, uint64_t seed) {
  std::mt19937_64 random{seed};
  std::string out(size, '\0');
  for (size_t i = 0; i + 8 <= size; i += 8) {
    const auto x = random();
    std::memcpy(out.data() + i, &x, 8);
  }
  return out;
}

/// Reads in pieces of a few KiB, so that writers wait again and again.
bool comes(plain_socket& from, const std::string& wanted) {
  size_t at = 0;
  while (at < wanted.size()) {
    const auto piece = from.receive(1 + at % 5000);
    if (piece.empty() || wanted.compare(at, piece.size(), piece) != 0)
      return false;
    at += piece.size();
  }
  return true;
}

} // namespace

TEST_CASE("a tunnel carries bytes both ways as they are", "[contract][cluster]") {
  cluster_folder folder;
  for (const char* name : {"n1", ""}) { // In TLS, and without certificates.
    linked_pair x{folder, {.name = name}, {.name = *name ? "n2" : ""}};
    constexpr size_t size = 64 << 20;
    const auto out = noise(size, 1), back = noise(size, 2);
    const auto before = std::chrono::steady_clock::now();
    const auto cpu = cpu_seconds();
    auto sent = std::async(std::launch::async, [&] { return x.near.send(out); });
    auto answered = std::async(std::launch::async, [&] { return x.far.send(back); });
    auto arrives = std::async(std::launch::async, [&] { return comes(x.far, out); });
    CHECK(comes(x.near, back));
    CHECK((sent.get() && answered.get() && arrives.get()));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - before;
    WARN((*name ? "TLS: " : "plain: ")
         << 128 / took.count() << " MiB/s both ways, " << (cpu_seconds() - cpu) * 1e3 / 128
         << " ms of CPU for a MiB, clients and both tunnels");
    CHECK(eventually([&] { return x.client.counters().bytes_out == size; }));
    CHECK(eventually([&] { return x.client.counters().bytes_in == size; }));
    CHECK(eventually([&] { return x.server.counters().bytes_in == size; }));
  }
}

TEST_CASE("a tunnel tells who came in, and by which port", "[contract][cluster]") {
  cluster_folder folder;
  folder.make("N2.Example", {"n2", "10.0.0.7"});
  linked_pair x{folder, {.name = "n1"}, {.name = "N2.Example"}};
  const auto links = x.server.links();
  REQUIRE(links.size() == 1);
  CHECK(links[0].names == std::vector<std::string>{"n2.example", "n2"});
  CHECK_FALSE(links[0].dialled);
  sockaddr_in from{};
  socklen_t size = sizeof from;
  REQUIRE(::getpeername(x.far.handle(), reinterpret_cast<sockaddr*>(&from), &size) == 0);
  CHECK(links[0].inner_port == ntohs(from.sin_port));
  const auto out = x.client.links();
  CHECK(out[0].dialled);
  CHECK(out[0].names == std::vector<std::string>{"n1"});
  CHECK(out[0].address == "127.0.0.1:" + std::to_string(x.server.port()));
  CHECK(x.server.counters().accepted == 1);
  CHECK(x.server.counters().links == 1);
  CHECK(x.server.counters().under_way == 0);
}

TEST_CASE("a link ends when either side closes it, and what was sent still arrives",
          "[contract][cluster]") {
  cluster_folder folder;
  linked_pair x{folder};
  const auto last = noise(1 << 20, 3);
  SECTION("the one that dialled") {
    REQUIRE(x.near.send(last));
    x.near.close();
    CHECK(comes(x.far, last));
    CHECK(x.far.ended());
    x.far.close();
  }
  SECTION("the other") {
    REQUIRE(x.far.send(last));
    x.far.close();
    CHECK(comes(x.near, last));
    CHECK(x.near.ended());
    x.near.close();
  }
  SECTION("its owner") {
    (*x.server).cut(x.server.links().at(0).id);
    CHECK(x.near.ended());
    CHECK(x.far.ended());
    CHECK(eventually([&] { return x.server.ends().count(x.server.links()[0].id) == 1; }));
  }
  CHECK(eventually([&] { return x.server.counters().links == 0; }));
  CHECK(eventually([&] { return x.client.counters().links == 0; }));
  CHECK(eventually([&] { return x.client.ends().size() == 1 && x.server.ends().size() == 1; }));
}

TEST_CASE("a reader that stops stops the writer, and memory stays", "[contract][cluster]") {
  cluster_folder folder;
  const tunnel_limits limits{.unsent = 4000ms};
  linked_pair x{folder, {.name = "n1", .limits = limits}, {.name = "n2", .limits = limits}};
  const auto piece = noise(1 << 20, 4);
  const auto before = resident_kib();
  size_t taken = 0;
  // Until nothing is taken any more: what the kernel's buffers hold, and two of ours.
  for (auto quiet = std::chrono::steady_clock::now() + 1s;
       std::chrono::steady_clock::now() < quiet;) {
    const auto n = ::send(x.near.handle(), piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      taken += static_cast<size_t>(n);
      quiet = std::chrono::steady_clock::now() + 1s;
    } else {
      std::this_thread::sleep_for(1ms);
    }
    REQUIRE(taken < size_t{256} << 20);
  }
  WARN(taken / 1024 << " KiB were taken; resident memory grew by " << resident_kib() - before
                    << " KiB");
  CHECK(resident_kib() - before < kept_kib_most);
  CHECK(x.client.counters().links == 1);
  SECTION("and goes on when the reader does") {
    size_t got = 0;
    while (got < taken) {
      const auto more = x.far.receive();
      REQUIRE_FALSE(more.empty());
      got += more.size();
    }
    CHECK(x.far.send("on"));
    CHECK(x.near.receive_all(2) == "on");
  }
  SECTION("and the link ends when the writer has gone away") {
    x.near.close();
    CHECK(eventually([&] { return x.client.counters().links == 0; }));
    CHECK(eventually([&] { return x.client.ends().size() == 1; }));
  }
}

TEST_CASE("a dialled port takes one connection of this process", "[contract][cluster]") {
  cluster_folder folder;
  plain_server inner;
  tunnel_side server{folder, {.name = "n1", .inner_port = inner.port()}};
  tunnel_side client{folder, {.name = "n2", .limits = {.pick_up = 1000ms}}};
  const auto reply = client.dial(server.port(), "n1");
  REQUIRE(reply.outcome == dial_outcome::connected);
  auto far = inner.accept();
  SECTION("the second is refused") {
    auto near = plain_socket::to(reply.link.inner_port);
    REQUIRE(near.send("x"));
    CHECK(far.receive_all(1) == "x");
    CHECK_FALSE(plain_socket::to(reply.link.inner_port).is_open());
    CHECK(client.counters().links == 1);
  }
  SECTION("another process is hung up on, and we get in after it") {
    const auto child = ::fork();
    if (child == 0) {
      auto stranger = plain_socket::to(reply.link.inner_port);
      char byte = 0;
      const bool closed = ::recv(stranger.release(), &byte, 1, 0) <= 0;
      ::_exit(closed ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 0);
    auto near = plain_socket::to(reply.link.inner_port);
    REQUIRE(near.send("x"));
    CHECK(far.receive_all(1) == "x");
  }
  SECTION("it closes when nobody comes") {
    CHECK(far.ended());
    CHECK_FALSE(plain_socket::to(reply.link.inner_port).is_open());
    CHECK(client.links().empty());
  }
}

TEST_CASE("a tunnel ends under load without a leak", "[contract][cluster]") {
  cluster_folder folder;
  const auto before = descriptors_open();
  for (int round = 0; round < 10; ++round) {
    linked_pair x{folder};
    const auto piece = noise(4 << 20, 5);
    auto out = std::async(std::launch::async, [&] { return x.near.send(piece); });
    auto back = std::async(std::launch::async, [&] { return x.far.send(piece); });
    x.near.receive(1);
    std::vector<answer<dial_answer>> asked(20);
    for (auto& one : asked)
      (*x.client).dial("127.0.0.1", x.server.port(), "n1", one.callback());
    round % 2 == 0 ? x.client.end() : x.server.end();
    for (auto& one : asked)
      one.get(); // Exactly one answer: a second one would end the program.
    x.near.close();
    x.far.close();
    out.get();
    back.get();
  }
  CHECK(eventually([&] { return descriptors_open() <= before; }));
}
