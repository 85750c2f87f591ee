#include <catch2/catch.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/redis/redis_cache.hpp"
#include "tests/contract/await.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  bind(fd, reinterpret_cast<sockaddr*>(&at), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
  close(fd);
  return ntohs(at.sin_port);
}

/// A Redis of the test's own, to be killed and stopped.
class private_redis {
public:
  static bool is_installed() { return std::system("command -v redis-server >/dev/null") == 0; }

  private_redis() : port_(free_port()) {}
  ~private_redis() { kill9(); }

  void start() {
    pid_ = fork();
    if (pid_ == 0) {
      const int quiet = ::open("/dev/null", O_RDWR);
      dup2(quiet, 1);
      dup2(quiet, 2);
      const auto port = std::to_string(port_);
      const auto folder = std::filesystem::temp_directory_path().string();
      execlp("redis-server", "redis-server", "--port", port.c_str(), "--bind", "127.0.0.1",
             "--save", "", "--appendonly", "no", "--dir", folder.c_str(), nullptr);
      _exit(1);
    }
    REQUIRE(eventually([this] { return command("PING") == "PONG"; }));
  }
  void kill9() {
    if (pid_ <= 0)
      return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  void pause() { kill(pid_, SIGSTOP); }
  void resume() { kill(pid_, SIGCONT); }
  uint16_t port() const { return port_; }

  /// Runs a command and returns the text or number of its answer.
  std::string command(const char* text) const {
    std::unique_ptr<redisContext, void (*)(redisContext*)> c{redisConnect("127.0.0.1", port_),
                                                             redisFree};
    if (!c || c->err != 0)
      return {};
    std::unique_ptr<void, void (*)(void*)> x{redisCommand(c.get(), text), freeReplyObject};
    const auto* answer = static_cast<redisReply*>(x.get());
    if (!answer)
      return {};
    return answer->type == REDIS_REPLY_INTEGER ? std::to_string(answer->integer)
           : answer->str ? std::string(answer->str, static_cast<size_t>(answer->len))
                         : std::string{};
  }

  std::vector<std::string> keys() const {
    std::unique_ptr<redisContext, void (*)(redisContext*)> c{redisConnect("127.0.0.1", port_),
                                                             redisFree};
    std::unique_ptr<void, void (*)(void*)> x{redisCommand(c.get(), "KEYS *"), freeReplyObject};
    const auto* answer = static_cast<redisReply*>(x.get());
    std::vector<std::string> out;
    for (size_t i = 0; answer && i < answer->elements; ++i)
      out.emplace_back(answer->element[i]->str, answer->element[i]->len);
    return out;
  }

private:
  uint16_t port_;
  pid_t pid_ = 0;
};

struct redis_fixture {
  redis_fixture() {
    if (!private_redis::is_installed())
      FAIL("redis-server is not installed; scripts/install services does it");
    config.port = server.port();
    config.identity = "store";
    config.counts = &counts;
    config.steady = [] { return int64_t{1'000}; };
  }
  void open() { cached = std::move(*redis_cache::open(config)); }
  cached_count get(const cache_page& page) {
    answer<std::vector<cached_count>> reply;
    cached->get({{page, 1}}, reply.callback());
    return reply.get().at(0);
  }
  void fill(const cache_page& page, uint64_t version) {
    cached->fill({{page, version, 1'000, {{0, 1}}, 1, version}});
  }
  /// Fills and reads until the page is there: the cache works again.
  bool comes_back(const cache_page& page, uint64_t version) {
    return eventually([&] {
      fill(page, version);
      return get(page).hit;
    });
  }

  private_redis server;
  redis_config config;
  metrics counts;
  std::unique_ptr<redis_cache> cached;
};

} // namespace

TEST_CASE_METHOD(redis_fixture, "redis_cache works once Redis comes up", "[contract][redis]") {
  open();
  CHECK_FALSE(get("a").hit);
  CHECK(eventually([&] { return !cached->health().empty(); }));
  server.start();
  CHECK(comes_back("a", 1));
  CHECK(cached->health().empty());
  CHECK(counts.cache_errors > 0);
}

TEST_CASE_METHOD(redis_fixture, "redis_cache survives a Redis that is killed",
                 "[contract][redis]") {
  server.start();
  open();
  for (uint64_t round = 1; round <= 3; ++round) {
    REQUIRE(comes_back("a", round));
    server.kill9();
    CHECK_FALSE(get("a").hit);
    fill("a", round);
    CHECK(eventually([&] { return !cached->health().empty(); }));
    server.start();
  }
}

TEST_CASE_METHOD(redis_fixture, "redis_cache does not wait for a Redis that hangs",
                 "[contract][redis]") {
  server.start();
  open();
  REQUIRE(comes_back("a", 1));
  server.pause();
  using steady = std::chrono::steady_clock;
  // The breaker opens after a few lookups in a row; from then on they miss at once.
  const auto began = steady::now();
  CHECK(eventually([&] {
    CHECK_FALSE(get("a").hit);
    return !cached->health().empty();
  }));
  CHECK(steady::now() - began < std::chrono::seconds{5});
  answer<std::vector<cached_count>> at_once;
  cached->get({{"a", 1}}, at_once.callback());
  CHECK(at_once.is_ready());
  server.resume();
  CHECK(comes_back("a", 1));
}

TEST_CASE_METHOD(redis_fixture, "redis_cache survives a flush of data and scripts",
                 "[contract][redis]") {
  server.start();
  open();
  REQUIRE(comes_back("a", 5));
  server.command("FLUSHALL");
  CHECK_FALSE(get("a").hit);
  server.command("SCRIPT FLUSH");
  CHECK(comes_back("a", 6));
}

TEST_CASE_METHOD(redis_fixture, "redis_cache never answers something old when Redis is full",
                 "[contract][redis]") {
  server.start();
  open();
  REQUIRE(comes_back("a", 1));
  server.command("CONFIG SET maxmemory 1mb");
  cached->advance({{"a", 1, 2, 2'000, {{0, 2}}, {{1, 2}}}});
  for (int i = 0; i < 100; ++i)
    fill("page " + std::to_string(i), 1);
  CHECK(eventually([&] { return cached->waiting() == 0; }));
  if (const auto found = get("a"); found.hit)
    CHECK(found.version == 2);
  CHECK(counts.cache_errors > 0);
  CHECK(cached->health().find("memory") != std::string::npos); // It is told.
  server.command("CONFIG SET maxmemory 0");
  CHECK(comes_back("a", 3));
  CHECK(eventually([&] { return cached->health().empty(); }));
}

TEST_CASE_METHOD(redis_fixture, "redis_cache forgets all when it loses an advance",
                 "[contract][redis]") {
  config.advances_max = 1;
  server.start();
  open();
  REQUIRE(comes_back("a", 1));
  SECTION("too many wait") {
    cached->advance({{"a", 1, 2, 2'000, {}, {{1, 2}}}, {"b", 1, 2, 2'000, {}, {{1, 2}}}});
    CHECK(eventually([&] { return cached->waiting() == 0; }));
  }
  SECTION("Redis answers it with an error") {
    server.command("CONFIG SET min-replicas-to-write 1");
    cached->advance({{"a", 1, 2, 2'000, {}, {{1, 2}}}});
    CHECK(eventually([&] { return cached->waiting() == 0; }));
    server.command("CONFIG SET min-replicas-to-write 0");
  }
  SECTION("the process ends before it is sent") {
    open();
    CHECK(comes_back("b", 1));
  }
  CHECK_FALSE(get("a").hit);
  CHECK(comes_back("a", 2));
}

TEST_CASE_METHOD(redis_fixture, "redis_cache gives every key a time to live", "[contract][redis]") {
  config.ttl = std::chrono::milliseconds{20'000};
  server.start();
  open();
  REQUIRE(comes_back("a", 1));
  cached->advance({{"a", 1, 2, 2'000, {}, {{1, 2}}},
                   {"b", 0, 7, 2'000, {}, {}},
                   {"c", 6, 7, 2'000, {}, {{1, 3}}}});
  REQUIRE(eventually([&] { return cached->waiting() == 0; }));
  const auto keys = server.keys();
  CHECK(keys.size() == 3);
  for (const auto& key : keys) {
    CHECK(key.find("ff:store:") == 0);
    const auto left = std::stol(server.command(("PTTL " + key).c_str()));
    CHECK(left > 0);
    CHECK(left <= 20'000);
  }
}

TEST_CASE_METHOD(redis_fixture, "redis_cache keeps stores apart and versions exact",
                 "[contract][redis]") {
  server.start();
  open();
  REQUIRE(comes_back("a", 9));
  config.identity = "another";
  open();
  CHECK(comes_back("other", 1));
  CHECK_FALSE(get("a").hit);
  // Neighbours at the end of what Redis compares exactly; beyond, nothing is kept.
  constexpr uint64_t last = (uint64_t{1} << 53) - 1;
  CHECK(comes_back("big", last - 1));
  CHECK(comes_back("big", last));
  fill("big", last - 1);
  fill("big", last + 1);
  CHECK(eventually([&] { return cached->waiting() == 0; }));
  CHECK(get("big").version == last);
}
