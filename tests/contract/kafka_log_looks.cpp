#include <catch2/catch.hpp>

#include "tests/contract/await.hpp"
#include "tests/contract/kafka_mock.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

// Looks at a log whose brokers are in trouble.
namespace {

using steady = std::chrono::steady_clock;

caf::expected<log_view> look(event_log& log, uint32_t partition, int64_t offset) {
  answer<caf::expected<log_view>> reply;
  log.look(partition, offset, reply.callback());
  return reply.get();
}

} // namespace

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
