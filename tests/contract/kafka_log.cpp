#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <random>

#include "actors/model/record.hpp"
#include "net/kafka/client.hpp"
#include "tests/contract/await.hpp"
#include "tests/contract/rigs_kafka.hpp"
#include "tests/support/seed.hpp"

using namespace footfall;
using namespace footfall::test;

// What only the Kafka adapter does; the common suite is event_log.cpp. Tests that
// need a broker do nothing unless FOOTFALL_TEST_KAFKA names one.
namespace {

/// A topic of its own on the test's broker.
struct fixture {
  std::string address =
      std::getenv("FOOTFALL_TEST_KAFKA") ? std::getenv("FOOTFALL_TEST_KAFKA") : "";
  std::string topic = new_kafka_topic();
  bool made = false;

  ~fixture() {
    if (made)
      delete_kafka_topic(address, topic);
  }
  bool is_off() const { return address.empty(); }
  kafka_config config() const {
    kafka_config out;
    out.brokers = address;
    out.topic = topic;
    return out;
  }
  std::unique_ptr<event_log> open(kafka_config x) {
    auto log = kafka_log::open(std::move(x));
    if (!log)
      throw std::runtime_error(text_of(log.error()));
    made = true;
    return std::move(*log);
  }
  std::unique_ptr<event_log> open() { return open(config()); }
};

std::vector<append_outcome> append(event_log& log, std::vector<log_record> batch) {
  answer<std::vector<append_outcome>> reply;
  log.append(std::move(batch), reply.callback());
  return reply.get();
}

caf::expected<log_batch> fetch(event_log& log, uint32_t partition, int64_t from,
                               fetch_limits most = {}) {
  answer<caf::expected<log_batch>> reply;
  log.fetch(partition, from, most, reply.callback());
  return reply.get();
}

/// A plain librdkafka producer, as other programs have one.
class other_producer {
public:
  other_producer(const fixture& x, std::vector<std::pair<const char*, const char*>> properties) {
    auto* conf = rd_kafka_conf_new();
    char text[256];
    properties.emplace_back("bootstrap.servers", x.address.c_str());
    for (auto [name, value] : properties)
      REQUIRE(rd_kafka_conf_set(conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK);
    rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* message, void*) {
      if (message->_private)
        *static_cast<int32_t*>(message->_private) = message->err ? -2 : message->partition;
    });
    client_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text));
    topic_ = x.topic;
  }
  rd_kafka_t* client() { return client_.get(); }
  /// Sends one record; `type` is its content-type header unless empty.
  void send(int32_t partition, const std::string& key, const std::string& value,
            const std::string& type = {}, int32_t* went_to = nullptr) {
    auto* headers = rd_kafka_headers_new(1);
    if (!type.empty())
      rd_kafka_header_add(headers, "content-type", -1, type.data(),
                          static_cast<ssize_t>(type.size()));
    auto error =
        rd_kafka_producev(client_.get(), RD_KAFKA_V_TOPIC(topic_.c_str()),
                          RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                          RD_KAFKA_V_KEY(key.data(), key.size()), RD_KAFKA_V_HEADERS(headers),
                          RD_KAFKA_V_OPAQUE(went_to), RD_KAFKA_V_END);
    REQUIRE(error == RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  void flush() { REQUIRE(rd_kafka_flush(client_.get(), 20'000) == RD_KAFKA_RESP_ERR_NO_ERROR); }

private:
  kafka::client_ptr client_;
  std::string topic_;
};

} // namespace

TEST_CASE("kafka_log names the setting when no broker answers", "[contract][kafka_log]") {
  kafka_config config;
  config.brokers = "127.0.0.1:1";
  config.open_timeout = std::chrono::milliseconds{300};
  auto log = kafka_log::open(config);
  REQUIRE_FALSE(log);
  CHECK(code_of(log.error()) == errc::log_unavailable);
  CHECK_THAT(text_of(log.error()), Catch::Contains("KAFKA_BROKER = 127.0.0.1:1"));
}

TEST_CASE("kafka_log names a property that is wrong", "[contract][kafka_log]") {
  kafka_config config;
  config.brokers = "127.0.0.1:1";
  config.properties = {{"security.protocl", "ssl"}};
  auto log = kafka_log::open(config);
  REQUIRE_FALSE(log);
  CHECK(code_of(log.error()) == errc::invalid_argument);
  CHECK_THAT(text_of(log.error()), Catch::Contains("security.protocl"));
}

TEST_CASE("records go where every Kafka client would put them", "[contract][kafka_log]") {
  fixture x;
  if (x.is_off())
    return;
  auto log = x.open();
  other_producer other(x, {{"partitioner", "murmur2_random"}});
  constexpr int count = 200;
  std::array<int32_t, count> went_to{};
  std::vector<std::string> keys;
  for (int i = 0; i < count; ++i)
    keys.push_back(model::record_key(i % 3 == 0 ? "shop" : "default",
                                     "https://example.com/" + std::to_string(i * 7919)));
  for (size_t i = 0; i < count; ++i)
    other.send(RD_KAFKA_PARTITION_UA, keys[i], "{}", {}, &went_to[i]);
  other.flush();
  for (size_t i = 0; i < count; ++i)
    REQUIRE(static_cast<int32_t>(model::partition_of(keys[i], log->partitions())) == went_to[i]);
}

TEST_CASE("kafka_log tells the formats of other producers apart", "[contract][kafka_log]") {
  fixture x;
  if (x.is_off())
    return;
  auto log = x.open();
  other_producer other(x, {});
  other.send(0, "/p", R"({"event_id":"1"})");
  other.send(0, "/p", " {}", "application/json; charset=utf-8");
  other.send(0, "/p", "{looks like JSON", "application/protobuf");
  other.send(0, "/p", "\n\x01x");
  other.send(0, "/p", "{}", "text/plain");
  other.send(0, "/p", "");
  other.flush();
  std::vector<log_entry> entries;
  while (entries.size() < 6) {
    auto batch = fetch(*log, 0, static_cast<int64_t>(entries.size()));
    REQUIRE(batch);
    entries.insert(entries.end(), batch->entries.begin(), batch->entries.end());
  }
  CHECK(entries[0].format == record_format::json);
  CHECK(entries[0].value == R"({"event_id":"1"})");
  CHECK(entries[1].format == record_format::json);
  CHECK(entries[2].format == record_format::protobuf);
  CHECK(entries[3].format == record_format::protobuf);
  CHECK(entries[4].format == record_format::json);
  CHECK(entries[5].value.empty());
  CHECK(entries[0].time_us > 1'600'000'000'000'000);
}

TEST_CASE("an existing topic keeps its own partitions", "[contract][kafka_log]") {
  fixture x;
  if (x.is_off())
    return;
  create_kafka_topic(x.address, x.topic, 3, "cleanup.policy", "delete");
  auto log = x.open();
  CHECK(log->partitions() == 3);
  CHECK(append(*log, {{3, "k", "v"}})[0].code == errc::invalid_argument);
}

TEST_CASE("partitions that are added to a live topic are read, and not written to",
          "[contract][kafka_log]") {
  fixture x;
  if (x.is_off())
    return;
  auto log = x.open();
  REQUIRE(append(*log, {{3, "k", "a"}})[0].status == outcome::accepted);
  add_kafka_partitions(x.address, x.topic, 6);
  other_producer other(x, {});
  other.send(5, "k", "b");
  other.flush();
  CHECK(eventually([&] { return log->partitions_found() == 6; }));
  CHECK(log->partitions() == 4);
  const auto batch = fetch(*log, 5, 0);
  REQUIRE(batch);
  CHECK(batch->entries.at(0).value == "b");
  CHECK(append(*log, {{4, "k", "c"}})[0].code == errc::invalid_argument);
  log->applied(5, 1);
  log.reset();
  log = x.open();
  CHECK(log->partitions() == 6);
  CHECK(append(*log, {{4, "k", "c"}})[0].pos == position{4, 0});
}

TEST_CASE("a compacted topic is read, and said to lose events", "[contract][kafka_log]") {
  fixture x;
  if (x.is_off())
    return;
  create_kafka_topic(x.address, x.topic, 1, "cleanup.policy", "compact,delete");
  auto config = x.config();
  std::string said;
  config.report = [&said](const std::string& line) { said += line; };
  auto log = x.open(config);
  CHECK_THAT(said, Catch::Contains("cleanup.policy=compact"));
  REQUIRE(append(*log, {{0, "k", "v"}})[0].status == outcome::accepted);
  CHECK(fetch(*log, 0, 0)->entries.size() == 1);
}

TEST_CASE("a topic that cannot be created is an error at once", "[contract][kafka_log]") {
  fixture x;
  if (x.is_off())
    return;
  auto config = x.config();
  config.replication = 9;
  auto log = kafka_log::open(config);
  REQUIRE_FALSE(log);
  CHECK(code_of(log.error()) == errc::invalid_argument);
  CHECK_THAT(text_of(log.error()), Catch::Contains(x.topic));
}

TEST_CASE("deleted records stop their partition and no other", "[contract][kafka_log]") {
  fixture x;
  if (x.is_off())
    return;
  auto log = x.open();
  std::vector<log_record> batch;
  for (int i = 0; i < 10; ++i)
    for (uint32_t partition : {0u, 1u})
      batch.push_back({partition, "k", std::to_string(i)});
  REQUIRE(append(*log, batch).back().status == outcome::accepted);
  auto first = fetch(*log, 0, 0, {2, 1 << 20});
  REQUIRE(first);
  // Nobody is told that the records it has read ahead are gone, so that it starts
  // from somewhere else first.
  REQUIRE(fetch(*log, 0, 9));
  delete_kafka_records(x.address, x.topic, 0, 7);
  auto gone = fetch(*log, 0, 2);
  REQUIRE_FALSE(gone);
  CHECK(code_of(gone.error()) == errc::gap);
  CHECK_THAT(text_of(gone.error()), Catch::Contains("partition 0: records 2 to 6 were deleted")
                                        && Catch::Contains("7 to 9"));
  auto other = fetch(*log, 1, 0);
  REQUIRE(other);
  CHECK(other->entries.size() == 10);
  CHECK(fetch(*log, 0, 7));
  CHECK(log->health().empty());
}

TEST_CASE("a transaction's marker at the end of the log is passed over", "[contract][kafka_log]") {
  fixture x;
  if (x.is_off())
    return;
  auto log = x.open();
  kafka_transaction other(x.address, x.topic);
  other.send(0, "k", "a");
  other.send(0, "k", "b");
  answer<caf::expected<log_batch>> waiting;
  log->fetch(0, 0, {}, waiting.callback());
  other.commit();
  const auto first = waiting.get();
  REQUIRE(first);
  CHECK(first->entries.size() == 2);
  auto next = first->next_offset;
  while (next < 3) {
    const auto marker = fetch(*log, 0, next);
    REQUIRE(marker);
    CHECK(marker->entries.empty());
    next = marker->next_offset;
  }
  CHECK(next == 3);
  // When all is read, nothing is lost by deleting it, the marker neither.
  waiting = {};
  log->fetch(0, 3, {}, waiting.callback());
  delete_kafka_records(x.address, x.topic, 0, 3);
  REQUIRE(append(*log, {{0, "k", "c"}})[0].pos == position{0, 3});
  CHECK(waiting.get()->entries.at(0).offset == 3);
}

TEST_CASE("records deleted ahead of the reader are a loss, also behind a hole",
          "[contract][kafka_log]") {
  fixture x;
  if (x.is_off())
    return;
  auto config = x.config();
  config.fetch_bytes_max = 8 << 10; // little is read ahead
  auto log = x.open(config);
  REQUIRE(append(*log, {{0, "k", "first"}})[0].status == outcome::accepted);
  kafka_transaction other(x.address, x.topic);
  other.send(0, "k", "aborted");
  other.abort();
  REQUIRE(eventually([&] { return kafka_end(x.address, x.topic, 0) == 3; })); // with the marker
  const std::string big(100'000, 'x');
  for (int i = 0; i < 40; ++i)
    REQUIRE(append(*log, {{0, "k", big}})[0].pos == position{0, 3 + i});
  const auto first = fetch(*log, 0, 0, {1, 1 << 20});
  REQUIRE(first);
  delete_kafka_records(x.address, x.topic, 0, 43);
  // What was read ahead comes; then the broker is asked, and refuses.
  auto next = first->next_offset;
  auto batch = fetch(*log, 0, next);
  for (; batch; batch = fetch(*log, 0, next))
    next = batch->next_offset;
  CHECK(code_of(batch.error()) == errc::gap);
  CHECK_THAT(text_of(batch.error()),
             Catch::Contains("records " + std::to_string(next) + " to 42 were deleted before"));
}

TEST_CASE("kafka_log reads right wherever it is sent", "[contract][kafka_log]") {
  fixture x;
  if (x.is_off())
    return;
  auto config = x.config();
  config.fetch_bytes_max = 64 << 10; // so that queues are full most of the time
  auto log = x.open(config);
  constexpr int count = 6'000;
  for (uint32_t partition : {0u, 1u}) {
    std::vector<log_record> batch;
    for (int i = 0; i < count; ++i)
      batch.push_back({partition, "k", std::to_string(i) + std::string(200, 'x')});
    REQUIRE(append(*log, batch).back().pos == position{partition, count - 1});
  }
  const auto seed = test::new_seed();
  INFO(test::repeated_by(seed));
  std::mt19937 random(seed);
  auto pick = [&](int most) { return static_cast<int>(random() % static_cast<uint32_t>(most)); };
  for (int jump = 0; jump < 40; ++jump) {
    const auto partition = static_cast<uint32_t>(pick(2));
    int at = pick(count - 1'000);
    for (int read = pick(4); read >= 0; --read) {
      auto batch =
          fetch(*log, partition, at,
                {1 + static_cast<uint32_t>(pick(300)), 1 + static_cast<uint32_t>(pick(40'000))});
      REQUIRE(batch);
      for (const auto& entry : batch->entries) {
        REQUIRE(entry.offset == at);
        REQUIRE(std::atoi(entry.value.c_str()) == at);
        ++at;
      }
    }
  }
}

TEST_CASE("a topic that is deleted and made anew does not pass for the old one",
          "[contract][kafka_log]") {
  fixture x;
  if (x.is_off())
    return;
  auto config = x.config();
  config.message_timeout = std::chrono::milliseconds{2'000};
  auto log = x.open(config);
  REQUIRE(append(*log, {{0, "k", "a"}, {0, "k", "b"}})[1].pos == position{0, 1});
  REQUIRE(fetch(*log, 0, 0));
  answer<caf::expected<log_batch>> waiting;
  log->fetch(0, 2, {}, waiting.callback());
  delete_kafka_topic(x.address, x.topic);
  CHECK(eventually([&] { return log->health().find("cannot be read") != std::string::npos; }));
  auto lost = append(*log, {{0, "k", "c"}})[0];
  CHECK(lost.status == outcome::unknown);
  CHECK(lost.code == errc::log_unavailable);
  create_kafka_topic(x.address, x.topic, 4, "cleanup.policy", "delete");
  auto gone = waiting.get();
  REQUIRE_FALSE(gone);
  CHECK(code_of(gone.error()) == errc::gap);
  CHECK_THAT(text_of(gone.error()), Catch::Contains("beyond the end of the log"));
  CHECK(eventually([&] { return append(*log, {{0, "k", "d"}})[0].status == outcome::accepted; }));
  CHECK(eventually([&] { return log->health().empty(); }));
}

TEST_CASE("kafka_log shows its progress to lag dashboards", "[contract][kafka_log]") {
  fixture x;
  if (x.is_off())
    return;
  auto config = x.config();
  config.group = x.topic;
  auto log = x.open(config);
  REQUIRE(append(*log, {{2, "k", "a"}, {2, "k", "b"}})[1].status == outcome::accepted);
  log->applied(2, 2);
  auto* conf = rd_kafka_conf_new();
  char text[256];
  rd_kafka_conf_set(conf, "group.id", x.topic.c_str(), text, sizeof text);
  rd_kafka_conf_set(conf, "bootstrap.servers", x.address.c_str(), text, sizeof text);
  kafka::client_ptr client(rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text));
  CHECK(eventually([&] {
    auto* list = rd_kafka_topic_partition_list_new(1);
    auto* entry = rd_kafka_topic_partition_list_add(list, x.topic.c_str(), 2);
    rd_kafka_committed(client.get(), list, 2'000);
    const bool there = entry->offset == 2;
    rd_kafka_topic_partition_list_destroy(list);
    return there;
  }));
}
