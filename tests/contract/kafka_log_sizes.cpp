#include <catch2/catch.hpp>

#include <cstdlib>
#include <set>

#include "net/kafka/producer.hpp"
#include "tests/contract/await.hpp"
#include "tests/contract/kafka_mock.hpp"
#include "tests/contract/rigs_kafka.hpp"

using namespace footfall;
using namespace footfall::test;

// What a topic's max.message.bytes does to appends: it bounds a batch as well as a
// record, so it must never be met by chance.
namespace {

struct sized_topic {
  std::string address =
      std::getenv("FOOTFALL_TEST_KAFKA") ? std::getenv("FOOTFALL_TEST_KAFKA") : "";
  std::string topic = new_kafka_topic();
  std::unique_ptr<event_log> log;
  std::set<int64_t> offsets; ///< Of what was accepted.

  explicit sized_topic(int limit) {
    if (is_off())
      return;
    create_kafka_topic(address, topic, 1, "max.message.bytes", std::to_string(limit));
    kafka_config config;
    config.brokers = address;
    config.topic = topic;
    auto made = kafka_log::open(config);
    if (!made)
      throw std::runtime_error(text_of(made.error()));
    log = std::move(*made);
  }
  ~sized_topic() {
    log.reset();
    if (!is_off())
      delete_kafka_topic(address, topic);
  }
  bool is_off() const { return address.empty(); }
  void set_limit(int limit) {
    set_kafka_topic(address, topic, "max.message.bytes", std::to_string(limit));
  }

  /// Appends values of these sizes. @returns how many were accepted; the others must be
  /// refused for their size, for certain.
  size_t append(const std::vector<size_t>& sizes) {
    answer<std::vector<append_outcome>> reply;
    start(sizes, reply);
    return take(reply);
  }
  void start(const std::vector<size_t>& sizes, answer<std::vector<append_outcome>>& reply) {
    std::vector<log_record> batch;
    for (auto size : sizes)
      batch.push_back({0, "k", std::string(size, 'x')});
    log->append(std::move(batch), reply.callback());
  }
  size_t take(answer<std::vector<append_outcome>>& reply) {
    size_t accepted = 0;
    for (const auto& x : reply.get()) {
      if (x.status == outcome::accepted) {
        ++accepted;
        REQUIRE(offsets.insert(x.pos.offset).second);
        continue;
      }
      REQUIRE(x.status == outcome::rejected);
      REQUIRE(x.code == errc::event_too_large);
    }
    return accepted;
  }
  /// The log holds what was accepted and no more.
  void check() {
    std::set<int64_t> found;
    for (int64_t next = 0; next < kafka_end(address, topic, 0);) {
      answer<caf::expected<log_batch>> reply;
      log->fetch(0, next, {}, reply.callback());
      auto batch = reply.get();
      REQUIRE(batch);
      for (const auto& x : batch->entries)
        found.insert(x.offset);
      next = batch->next_offset;
    }
    CHECK(found == offsets);
  }
};

const std::vector<size_t> many(900, 190);

} // namespace

TEST_CASE("batches stay below what the topic takes", "[contract][kafka_log]") {
  sized_topic x(65'536);
  if (x.is_off())
    return;
  std::vector<answer<std::vector<append_outcome>>> open(18);
  for (auto& reply : open)
    x.start(many, reply);
  for (auto& reply : open)
    CHECK(x.take(reply) == many.size());
  x.check();
}

TEST_CASE("what the topic does not take is refused alone, and for certain",
          "[contract][kafka_log]") {
  sized_topic x(2'000);
  if (x.is_off())
    return;
  CHECK(x.append({100, 3'000, 100, 950'000, 100}) == 3);
  std::vector<size_t> around;
  for (size_t size = 1'800; size <= 2'000; ++size)
    around.push_back(size);
  const auto accepted = x.append(around);
  CHECK(accepted > 50);
  CHECK(accepted < around.size() - 50);
  CHECK(x.append({100}) == 1);
  x.check();
}

TEST_CASE("a limit that is lowered under load splits batches and loses no answer",
          "[contract][kafka_log]") {
  sized_topic x(1'000'000);
  if (x.is_off())
    return;
  CHECK(x.append(many) == many.size());
  for (int limit : {65'536, 20'000, 1'000}) {
    std::vector<answer<std::vector<append_outcome>>> open(20);
    for (size_t i = 0; i < open.size(); ++i) {
      if (i == 10)
        x.set_limit(limit);
      x.start(many, open[i]);
    }
    for (auto& reply : open)
      CHECK(x.take(reply) == many.size());
  }
  CHECK(x.append({100, 990, 100}) == 2);
  CHECK(x.log->health().empty());
  x.check();
}

TEST_CASE("batches become smaller also when the topic's new limit is not told",
          "[contract][kafka_log][fault]") {
  mock_brokers brokers; // They do not describe their topics.
  kafka::broker_health health(brokers.config.brokers);
  auto log = kafka::producer::open(brokers.config, {4, 1'000'000}, health);
  REQUIRE(log);
  auto append = [&](size_t records, int refusals) {
    const std::vector<rd_kafka_resp_err_t> errors(static_cast<size_t>(refusals),
                                                  RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    rd_kafka_mock_push_request_errors_array(brokers.cluster.get(), produce_request, errors.size(),
                                            errors.data());
    answer<std::vector<append_outcome>> reply;
    (*log)->append(std::vector<log_record>(records, {0, "k", std::string(300, 'x')}),
                   reply.callback());
    return reply.get();
  };
  for (const auto& x : append(900, 3))
    CHECK(x.status == outcome::accepted);
  // One that is refused although it is alone is too large.
  CHECK(append(1, 30).at(0).code == errc::event_too_large);
}
