#include <catch2/catch.hpp>

#include <cstdlib>
#include <map>

#include "tests/contract/await.hpp"
#include "tests/contract/kafka_mock.hpp"
#include "tests/contract/rigs_kafka.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

// What is asked beside the log's work, also of brokers that are in trouble.
namespace {

using steady = std::chrono::steady_clock;

caf::expected<log_view> look(event_log& log, uint32_t partition, int64_t offset) {
  answer<caf::expected<log_view>> reply;
  log.look(partition, offset, reply.callback());
  return reply.get();
}

/// Looks at all partitions at once. @returns how many show their first record.
uint32_t look_at_all(event_log& log, uint32_t partitions) {
  std::vector<answer<caf::expected<log_view>>> replies(partitions);
  for (uint32_t partition = 0; partition < partitions; ++partition)
    log.look(partition, 0, replies[partition].callback());
  uint32_t out = 0;
  for (uint32_t partition = 0; partition < partitions; ++partition) {
    const auto view = replies[partition].get();
    out += view && view->at.size() == 1 && view->at[0].value == std::to_string(partition);
  }
  return out;
}

/// One record in each partition.
void fill(event_log& log, uint32_t partitions) {
  std::vector<log_record> batch;
  for (uint32_t partition = 0; partition < partitions; ++partition)
    batch.push_back({partition, "k", std::to_string(partition)});
  answer<std::vector<append_outcome>> reply;
  log.append(std::move(batch), reply.callback());
  for (const auto& x : reply.get())
    REQUIRE(x.status == outcome::accepted);
}

} // namespace

TEST_CASE("looks at many partitions are answered together", "[contract][kafka_log]") {
  const char* address = std::getenv("FOOTFALL_TEST_KAFKA");
  if (!address)
    return;
  constexpr uint32_t partitions = 256;
  kafka_config config;
  config.brokers = address;
  config.topic = new_kafka_topic();
  create_kafka_topic(address, config.topic, partitions, "cleanup.policy", "delete");
  auto log = open_log(config);
  fill(*log, partitions);
  for (int round = 0; round < 3; ++round) {
    const auto asked_at = steady::now();
    CHECK(look_at_all(*log, partitions) == partitions);
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - asked_at);
    WARN(partitions << " looks in " << took.count() << " ms");
    CHECK(took < 1s);
  }
  log.reset();
  delete_kafka_topic(address, config.topic);
}

TEST_CASE("the look that finds a topic made anew tells its new id", "[contract][kafka_log]") {
  const char* address = std::getenv("FOOTFALL_TEST_KAFKA");
  if (!address)
    return;
  kafka_config config;
  config.brokers = address;
  config.topic = new_kafka_topic();
  create_kafka_topic(address, config.topic, 1, "cleanup.policy", "delete");
  auto log = open_log(config);
  std::string before;
  REQUIRE(eventually([&] {
    before = look(*log, 0, -1)->identity;
    return before.find("topic=") != std::string::npos;
  }));
  fill(*log, 1);
  delete_kafka_topic(address, config.topic);
  create_kafka_topic(address, config.topic, 1, "cleanup.policy", "delete");
  std::string found;
  CHECK(eventually([&] { // What is remembered of the old one must not be told beside the new range.
    look(*log, 0, -1);   // Asked often, as by many partitions.
    const auto view = look(*log, 0, -1);
    found = view ? view->identity : "";
    return view && view->end == 0;
  }));
  CHECK(found != before);
  log.reset();
  delete_kafka_topic(address, config.topic);
}

TEST_CASE("a broker that is down holds up no look", "[contract][kafka_log][fault]") {
  mock_brokers brokers(2);
  auto* cluster = brokers.cluster.get();
  for (int32_t partition = 0; partition < 4; ++partition)
    rd_kafka_mock_partition_set_leader(cluster, "clicks", partition, 1 + partition % 2);
  auto log = open_log(brokers.config);
  for (uint32_t partition : {0u, 1u}) {
    REQUIRE(append_one(*log, "a", partition).status == outcome::accepted);
    REQUIRE(look(*log, partition, 0)->at.size() == 1);
  }
  rd_kafka_mock_broker_set_down(cluster, 1);
  auto asked_at = steady::now();
  CHECK(code_of(look(*log, 0, 0).error()) == errc::log_unavailable);
  CHECK(steady::now() - asked_at < 2500ms);
  CHECK(look(*log, 1, 0));
  // The other broker takes over, while the first is still away.
  rd_kafka_mock_partition_set_leader(cluster, "clicks", 0, 2);
  CHECK(eventually([&] { return look(*log, 0, 0).engaged(); }));
  CHECK(steady::now() - asked_at < 10s);
  rd_kafka_mock_partition_set_leader(cluster, "clicks", 1, 1);
  answer<caf::expected<log_view>> open;
  log->look(1, 0, open.callback());
  asked_at = steady::now();
  log.reset();
  CHECK(open.is_ready());
  CHECK(steady::now() - asked_at < 2500ms);
}

TEST_CASE("looks that are too many are refused at once", "[contract][kafka_log][fault]") {
  mock_brokers brokers;
  brokers.config.looks_max = 2;
  auto log = open_log(brokers.config);
  REQUIRE(append_one(*log, "0").status == outcome::accepted);
  REQUIRE(look_at_all(*log, 1) == 1);
  rd_kafka_mock_broker_set_down(brokers.cluster.get(), 1);
  std::vector<answer<caf::expected<log_view>>> replies(20);
  for (auto& reply : replies)
    log->look(0, -1, reply.callback());
  CHECK(replies.back().is_ready());
  std::map<errc, int> got;
  for (auto& reply : replies)
    ++got[code_of(reply.get().error())];
  CHECK(got.size() == 2);
  CHECK(got[errc::overloaded] >= 16);
  CHECK(got[errc::log_unavailable] >= 2);
}

TEST_CASE("a slow answer about the topic holds up no fetch", "[contract][kafka_log][fault]") {
  mock_brokers brokers;
  auto log = open_log(brokers.config);
  rd_kafka_mock_broker_set_rtt(brokers.cluster.get(), 1, 500);
  // A fetch is ended by the next one, which takes no broker's answer.
  using reply = answer<caf::expected<log_batch>>;
  auto open = std::make_unique<reply>();
  log->fetch(0, 0, {}, open->callback());
  const auto until = steady::now() + 4s; // It is asked for every three seconds.
  while (steady::now() < until) {
    auto next = std::make_unique<reply>();
    const auto asked_at = steady::now();
    log->fetch(0, 0, {}, next->callback());
    REQUIRE(code_of(open->get().error()) == errc::timeout);
    REQUIRE(steady::now() - asked_at < 400ms);
    open = std::move(next);
    std::this_thread::sleep_for(5ms);
  }
}
