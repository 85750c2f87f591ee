#include <catch2/catch.hpp>

#include <cstdlib>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/kafka/kafka_log.hpp"
#include "net/kafka/topic_id.hpp"
#include "tests/contract/await.hpp"
#include "tests/contract/rigs_kafka.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

std::string broker() {
  const char* address = std::getenv("FOOTFALL_TEST_KAFKA");
  return address ? address : "";
}

caf::expected<log_view> look(event_log& log, uint32_t partition, int64_t offset) {
  answer<caf::expected<log_view>> reply;
  log.look(partition, offset, reply.callback());
  return reply.get();
}

/// An answer as a broker of one node writes it, with one topic.
std::string answered(int16_t error, const std::string& id) {
  std::string out("\0\0\0\1\0\0\0\0\0\2\0\0\0\1\2h\0\0\0\1\0\0\2c\0\0\0\1\2", 29);
  out += static_cast<char>(error >> 8);
  out += static_cast<char>(error & 255);
  return out + "\4abc" + id + std::string(7, '\0');
}

/// Takes connections and never answers.
class silent_server {
public:
  silent_server() {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof any;
    auto* at = reinterpret_cast<sockaddr*>(&any);
    REQUIRE(::bind(handle_, at, size) == 0);
    REQUIRE(::listen(handle_, 8) == 0);
    REQUIRE(::getsockname(handle_, at, &size) == 0);
    port_ = ntohs(any.sin_port);
  }
  silent_server(const silent_server&) = delete;
  silent_server& operator=(const silent_server&) = delete;
  ~silent_server() { ::close(handle_); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

private:
  int handle_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int port_ = 0;
};

} // namespace

TEST_CASE("an answer about a topic is read as far as its id", "[contract][kafka_log]") {
  const std::string id(16, 'x');
  CHECK(kafka::read_topic_id(answered(0, id)) == "eHh4eHh4eHh4eHh4eHh4eA");
  CHECK(kafka::read_topic_id(answered(5, id)) == "eHh4eHh4eHh4eHh4eHh4eA");
  CHECK(kafka::read_topic_id(answered(3, std::string(16, '\0'))).empty());
  const auto whole = answered(0, id);
  for (size_t i = 0; i < whole.size() - 7; ++i)
    CHECK(kafka::read_topic_id(whole.substr(0, i)).empty());
  CHECK(kafka::read_topic_id(std::string(100, '\xff')).empty());
}

TEST_CASE("nobody who answers is no topic id", "[contract][kafka_log]") {
  CHECK(kafka::topic_id({"127.0.0.1:1"}, "t", 500ms).empty());
  CHECK(kafka::topic_id({"nonsense", "::1:1", "127.0.0.1:nonsense", ""}, "t", 500ms).empty());
  CHECK(kafka::topic_id({}, "t", 500ms).empty());
}

TEST_CASE("a broker that is silent takes a share of the time alone", "[contract][kafka_log]") {
  if (broker().empty())
    return;
  const silent_server silent;
  const auto topic = new_kafka_topic();
  create_kafka_topic(broker(), topic, 1, "cleanup.policy", "delete");
  CHECK(eventually([&] { return !kafka::topic_id({broker()}, topic, 2s).empty(); }));
  CHECK_FALSE(kafka::topic_id({silent.address(), broker()}, topic, 2s).empty());
  delete_kafka_topic(broker(), topic);
}

TEST_CASE("a topic that is made anew under an open log is another log", "[contract][kafka_log]") {
  if (broker().empty())
    return;
  const auto topic = new_kafka_topic() + std::string(140, 'x'); // Its size takes two bytes.
  create_kafka_topic(broker(), topic, 2, "cleanup.policy", "delete");
  std::string first; // The broker may not have heard of the topic yet.
  REQUIRE(eventually([&] {
    first = kafka::topic_id({"127.0.0.1:1", broker()}, topic, 5s);
    return !first.empty();
  }));
  CHECK(first.size() == 22);
  kafka_config config;
  config.brokers = broker();
  config.topic = topic;
  auto log = kafka_log::open(config);
  REQUIRE(log);
  auto before = look(**log, 1, -1);
  REQUIRE(eventually([&] { // A topic that others make may have no leader yet.
    before = look(**log, 1, -1);
    return before.engaged();
  }));
  CHECK(before->identity.find("cluster=") == 0);
  CHECK(before->identity.find(";topic=" + first) != std::string::npos);
  delete_kafka_topic(broker(), topic);
  REQUIRE(eventually([&] {
    create_kafka_topic(broker(), topic, 2, "cleanup.policy", "delete"); // Perhaps too early.
    const auto now = look(**log, 1, -1);
    return now && now->identity.find(";topic=") != std::string::npos
           && now->identity != before->identity;
  }));
  delete_kafka_topic(broker(), topic);
}
