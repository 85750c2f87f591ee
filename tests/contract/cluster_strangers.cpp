#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/contract/cluster_rig.hpp"

using namespace footfall;
using namespace footfall::cluster;
using namespace footfall::test;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

namespace {

/// How CAF's protocol begins: operation, flags, length, version.
const std::string basp_header{"\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                              32};
/// A TLS record that announces 512 bytes, of which few come.
const std::string half_hello{"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", 11};

/// Sends a byte to and fro on an established link, and remembers how long it took.
class steady_load {
public:
  explicit steady_load(linked_pair& x)
      : far_([this, &x] { answer(x); }), near_([this, &x] { ask(x); }) {}
  ~steady_load() {
    stop_ = true;
    near_.join();
    far_.join();
  }
  bool unharmed() const { return unharmed_; }
  /// Microseconds: the middle one and the worst.
  std::pair<int64_t, int64_t> latencies() {
    std::lock_guard guard{mutex_};
    std::sort(took_us_.begin(), took_us_.end());
    return took_us_.empty() ? std::pair<int64_t, int64_t>{}
                            : std::pair{took_us_[took_us_.size() / 2], took_us_.back()};
  }

private:
  void ask(linked_pair& x) {
    while (!stop_) {
      const auto before = clock_type::now();
      if (!x.near.send("?") || x.near.receive_all(1) != "!")
        unharmed_ = false;
      const auto took =
          std::chrono::duration_cast<std::chrono::microseconds>(clock_type::now() - before);
      {
        std::lock_guard guard{mutex_};
        took_us_.push_back(took.count());
      }
      std::this_thread::sleep_for(2ms);
    }
  }
  void answer(linked_pair& x) {
    while (!stop_)
      if (x.far.receive(1, 100ms) == "?")
        x.far.send("!");
  }

  std::atomic<bool> stop_{false};
  std::atomic<bool> unharmed_{true};
  std::mutex mutex_;
  std::vector<int64_t> took_us_;
  std::thread far_;
  std::thread near_;
};

/// What an attack took of a core: of the threads of both tunnels, so not of the attacker.
struct cost {
  clock_type::time_point at = clock_type::now();
  double cpu = tunnel_seconds();
  double seconds() const { return std::chrono::duration<double>(clock_type::now() - at).count(); }
  double core_part() const { return (tunnel_seconds() - cpu) / seconds(); }
};

size_t count(const std::vector<std::string>& lines, const std::string& part) {
  return static_cast<size_t>(std::count_if(lines.begin(), lines.end(), [&](const auto& line) {
    return line.find(part) != std::string::npos;
  }));
}

} // namespace

TEST_CASE("strangers are refused, each for its reason", "[contract][cluster]") {
  cluster_folder folder, theirs;
  linked_pair x{folder};
  folder.make("old", {}, -7200, -3600);
  folder.make("young", {}, 3600, 7200);
  const auto port = x.server.port();
  const auto speaks = [&](const std::string& bytes) {
    auto stranger = plain_socket::to(port);
    stranger.send(bytes);
    stranger.receive(1 << 16, 5s); // Perhaps TLS says why.
    return stranger.ended(5s);
  };
  CHECK(tls_stranger{folder, "n2"}.greeting_of(port) == "\x01");
  CHECK(tls_stranger{folder, ""}.greeting_of(port).empty());
  CHECK(x.server.refuses(refusal::no_certificate));
  CHECK(tls_stranger{theirs, "n2"}.greeting_of(port).empty());
  CHECK(x.server.refuses(refusal::foreign_authority));
  CHECK(tls_stranger{folder, "old"}.greeting_of(port).empty());
  CHECK(tls_stranger{folder, "young"}.greeting_of(port).empty());
  CHECK(x.server.refuses(refusal::expired, 2));
  CHECK(tls_stranger{folder, "n2", TLS1_2_VERSION}.greeting_of(port).empty());
  CHECK(x.server.refuses(refusal::not_tls));
  CHECK(speaks(basp_header));
  CHECK(speaks("GET / HTTP/1.1\r\n\r\n"));
  CHECK(speaks(std::string(100'000, 'x')));
  CHECK(speaks("\x16\x03garbage" + std::string(10'000, '\xff')));
  CHECK(x.server.refuses(refusal::not_tls, 5));
  plain_socket::to(port).close();
  auto half = plain_socket::to(port);
  half.send(half_hello);
  half.close();
  CHECK(x.server.refuses(refusal::broken_off, 2));
  CHECK(eventually([&] { return x.server.counters().under_way == 0; }));
  // One line for each reason, however often.
  const auto lines = x.server.reports();
  CHECK(count(lines, "(not_tls)") == 1);
  CHECK(count(lines, "(no_certificate) from 127.0.0.1:") == 1);
  CHECK(count(lines, "(foreign_authority)") == 1);
  CHECK(count(lines, "(expired)") == 1);
  CHECK(lines.size() == 5);
  REQUIRE(x.near.send("still here"));
  CHECK(x.far.receive_all(10) == "still here");
}

TEST_CASE("refusals are told with their number, one line in a while", "[contract][cluster]") {
  cluster_folder folder;
  tunnel_side server{folder, {.name = "n1", .limits = {.report_every = 700ms}}};
  for (int i = 0; i < 50; ++i) {
    auto stranger = plain_socket::to(server.port());
    stranger.send("x");
    CHECK(stranger.ended());
  }
  const auto first = server.reports().size();
  CHECK(first >= 1);
  CHECK(first <= 3);
  const auto told = [&] {
    size_t sum = 0;
    for (const auto& line : server.reports())
      if (const auto at = line.find("refused "); at != std::string::npos)
        sum += line.find("a connection") != std::string::npos ? 1 : std::stoul(line.substr(at + 8));
    return sum;
  };
  CHECK(eventually([&] { return told() == 50; })); // Also without another one.
  CHECK(server.refused(refusal::not_tls) == 50);
}

TEST_CASE("handshakes have a deadline and limits, and the oldest makes room",
          "[contract][cluster]") {
  cluster_folder folder;
  plain_server inner;
  SECTION("a deadline") {
    tunnel_side server{folder, {.name = "n1", .limits = {.handshake = 300ms}}};
    auto silent = plain_socket::to(server.port());
    auto half = plain_socket::to(server.port());
    half.send(half_hello);
    CHECK((silent.ended() && half.ended()));
    CHECK(server.refuses(refusal::timeout, 2));
  }
  SECTION("an address has so many under way") {
    tunnel_side server{folder,
                       {.name = "n1",
                        .inner_port = inner.port(),
                        .limits = {.handshakes_an_address = 4, .handshake = 30s}}};
    std::vector<plain_socket> silent;
    for (int i = 0; i < 6; ++i) {
      silent.push_back(plain_socket::to(server.port()));
      REQUIRE(eventually([&] { return server.counters().came_in == silent.size(); }));
    }
    CHECK((silent[0].ended() && silent[1].ended()));
    CHECK_FALSE(silent[2].ended(50ms));
    CHECK(server.counters().under_way == 4);
    tunnel_side client{folder, {.name = "n2", .listens = false}};
    CHECK(client.dial(server.port(), "n1").outcome == dial_outcome::connected);
    CHECK(server.refused(refusal::too_many) == 3);
  }
  SECTION("all have so many under way") {
    tunnel_side server{folder, {.name = "n1", .limits = {.handshakes = 4, .handshake = 30s}}};
    std::vector<plain_socket> silent;
    for (int i = 0; i < 6; ++i) {
      silent.push_back(plain_socket::to(server.port()));
      REQUIRE(eventually([&] { return server.counters().came_in == silent.size(); }));
    }
    CHECK((silent[0].ended() && silent[1].ended()));
    CHECK(server.counters().under_way == 4);
  }
  SECTION("who has begun stays, while others are silent") {
    tunnel_side server{folder, {.name = "n1", .limits = {.handshakes = 4, .handshake = 30s}}};
    auto begun = plain_socket::to(server.port());
    begun.send(half_hello);
    std::vector<plain_socket> silent;
    for (uint32_t i = 1; i <= 20; ++i) {
      silent.push_back(plain_socket::to(server.port(), 0x7f000001 + i));
      REQUIRE(eventually([&] { return server.counters().came_in == i + 1; }));
    }
    CHECK((silent[0].ended() && silent[16].ended()));
    CHECK_FALSE(begun.ended(50ms));
  }
  SECTION("an address begins so many in a second") {
    tunnel_side server{folder, {.name = "n1", .limits = {.tls_a_second = 1, .tls_burst = 3}}};
    for (int i = 0; i < 10; ++i)
      CHECK(tls_stranger{folder, ""}.greeting_of(server.port()).empty());
    CHECK(server.refuses(refusal::too_many, 6));
    CHECK(server.refused(refusal::no_certificate) + server.refused(refusal::too_many) == 10);
  }
}

TEST_CASE("1,500 silent strangers cost little and harm no link", "[contract][cluster]") {
  cluster_folder folder;
  linked_pair x{folder};
  descriptor_limit room{8192};
  steady_load load{x};
  std::this_thread::sleep_for(500ms);
  const auto before = resident_kib();
  std::vector<plain_socket> held;
  cost spent;
  for (int i = 0; i < 1500; ++i)
    held.push_back(plain_socket::to(x.server.port()));
  REQUIRE(eventually([&] { return x.server.counters().came_in == 1501; }));
  const auto part = spent.core_part();
  const auto seconds = spent.seconds();
  std::this_thread::sleep_for(1s);
  const auto grown = resident_kib() - before;
  const auto [middle, worst] = load.latencies();
  WARN("resident memory grew by " << grown << " KiB; the tunnels took " << part * 100
                                  << " % of a core for " << seconds << " s; round trips of "
                                  << middle << " us in the middle, " << worst << " us at worst");
  CHECK(grown < kept_kib_most);
  CHECK(part < core_most);
  CHECK(load.unharmed());
  CHECK(worst < 1'000'000);
  CHECK(x.server.counters().under_way <= 64);
  CHECK(x.client.dial(x.server.port(), "n1").outcome == dial_outcome::connected);
  CHECK(eventually([&] { return x.server.counters().under_way == 0; }));
}

TEST_CASE("strangers of many addresses cost little and harm no link", "[contract][cluster]") {
  cluster_folder folder;
  linked_pair x{folder};
  descriptor_limit room{8192};
  steady_load load{x};
  std::vector<plain_socket> held;
  const auto before = resident_kib();
  cost spent;
  for (uint32_t i = 0; i < 1500; ++i) {
    held.push_back(plain_socket::to(x.server.port(), 0x7f000100 + i));
    held.back().send(half_hello);
  }
  REQUIRE(eventually([&] { return x.server.counters().came_in == 1501; }));
  const auto part = spent.core_part();
  const auto grown = resident_kib() - before;
  const auto [middle, worst] = load.latencies();
  WARN("1,500 half handshakes: resident memory grew by "
       << grown << " KiB; the tunnels took " << part * 100 << " % of a core; round trips of "
       << middle << " us in the middle, " << worst << " us at worst");
  CHECK(grown < kept_kib_most);
  CHECK(part < core_most);
  CHECK(load.unharmed());
  CHECK(x.server.counters().under_way <= 64);
}

TEST_CASE("attacks cost little and harm no link", "[contract][cluster]") {
  cluster_folder folder, theirs;
  linked_pair x{folder};
  steady_load load{x};
  const auto port = x.server.port();
  uint32_t address = 0;
  const std::vector<std::pair<const char*, std::function<void()>>> attacks{
      {"none", [] { std::this_thread::sleep_for(1ms); }},
      {"connections that close", [&] { plain_socket::to(port).close(); }},
      {"garbage", [&] { plain_socket::to(port).send(std::string(4096, 'x')); }},
      {"BASP in plain", [&] { plain_socket::to(port).send(basp_header); }},
      {"half handshakes", [&] { plain_socket::to(port).send(half_hello); }},
      {"foreign certificates",
       [&] {
         tls_stranger{theirs, "n2"}.greeting_of(port);
       }},
      {"the same, from many addresses",
       [&] {
         tls_stranger{theirs, "n2"}.greeting_of(port, 0x7f000100 + ++address);
       }},
      {"no certificate",
       [&] {
         tls_stranger{theirs, ""}.greeting_of(port);
       }},
  };
  std::string told;
  for (const auto& [name, attack] : attacks) {
    const auto memory = resident_kib();
    cost spent;
    size_t times = 0;
    for (; spent.seconds() < 1.5; ++times)
      attack();
    const auto part = spent.core_part();
    told += std::string{"\n"} + name + ": " + std::to_string(times) + " times, "
            + std::to_string(static_cast<int>(part * 1000)) + " permille of a core, "
            + std::to_string(resident_kib() - memory) + " KiB";
    INFO(name);
    CHECK(part < core_most);
  }
  const auto [middle, worst] = load.latencies();
  WARN("1.5 s each, with a steady load:" << told << "\nround trips of " << middle
                                         << " us in the middle, " << worst << " us at worst");
  CHECK(load.unharmed());
  CHECK(worst < 1'000'000);
  CHECK(x.server.refuses(refusal::foreign_authority));
  CHECK(x.server.refuses(refusal::no_certificate));
  CHECK(x.server.refuses(refusal::not_tls, 100));
  CHECK(x.server.reports().size() <= refusals);
}

TEST_CASE("out of descriptors a tunnel waits, and goes on", "[contract][cluster]") {
  cluster_folder folder;
  linked_pair x{folder, {.name = "n1", .limits = {.handshake = 30s}}};
  std::vector<plain_socket> strangers;
  for (int i = 0; i < 30; ++i)
    strangers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  {
    descriptor_limit few{static_cast<uint64_t>(strangers.back().handle()) + 3};
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    place.sin_port = htons(x.server.port());
    for (auto& stranger : strangers)
      REQUIRE(::connect(stranger.handle(), reinterpret_cast<sockaddr*>(&place), sizeof place) == 0);
    REQUIRE(eventually([&] { return x.server.counters().accept_failures > 0; }));
    const auto before = cpu_seconds(); // Of the whole process: nothing else runs.
    const auto failures = x.server.counters().accept_failures.load();
    std::this_thread::sleep_for(2s);
    const auto tries = x.server.counters().accept_failures - failures;
    const auto part = (cpu_seconds() - before) / 2;
    WARN(part * 100 << " % of a core, " << tries << " tries in 2 s");
    CHECK(part < core_most);
    CHECK(tries <= 25);
    CHECK(count(x.server.reports(), "cannot take a connection") == 1);
    // Dials need descriptors as well.
    CHECK(x.client.dial(x.server.port(), "n1").outcome == dial_outcome::overloaded);
    REQUIRE(x.near.send("still here"));
    CHECK(x.far.receive_all(10) == "still here");
  }
  CHECK(x.client.dial(x.server.port(), "n1").outcome == dial_outcome::connected);
}
