#include <catch2/catch.hpp>

#include <cstdlib>
#include <map>
#include <set>

#include "tests/contract/await.hpp"
#include "tests/contract/kafka_mock.hpp"
#include "tests/support/kafka_broker.hpp"

using namespace footfall;
using namespace footfall::test;
using std::chrono::milliseconds;

// A real broker that dies or hangs under load. Each has one of its own, so these
// run only where FOOTFALL_TEST_KAFKA says that Kafka is installed.
namespace {

bool is_off() {
  return !std::getenv("FOOTFALL_TEST_KAFKA");
}

/// Appends small batches until it is stopped, and keeps a journal of the answers.
class load {
public:
  explicit load(event_log& log) : log_(log), thread_([this] { run(); }) {}
  ~load() { stop(); }
  /// Returns when every append was answered.
  void stop() {
    stop_ = true;
    if (thread_.joinable())
      thread_.join();
    if (!eventually([this] { return open_ == 0; }))
      throw std::runtime_error("an append was never answered");
  }

  std::atomic<int> accepted{0};
  std::atomic<int> unknown{0};
  std::atomic<int> rejected{0};
  std::atomic<int> wrong{0}; ///< Answers that say something impossible.

  int sent() const { return sent_; }
  const std::map<std::pair<uint32_t, int64_t>, std::string>& journal() const { return journal_; }
  const std::set<std::string>& refused() const { return refused_; }

private:
  static constexpr int batch_size = 20;

  void run() {
    while (!stop_) {
      std::vector<log_record> batch;
      for (int i = 0; i < batch_size; ++i, ++sent_)
        batch.push_back({static_cast<uint32_t>(sent_ % 4), "key", std::to_string(sent_)});
      ++open_;
      auto copy = batch;
      log_.append(std::move(batch), [this, copy = std::move(copy)](auto outcomes) {
        take(copy, outcomes);
        --open_;
      });
      std::this_thread::sleep_for(milliseconds{2}); // the rate of the load
    }
  }
  // One thread of the log answers; the test reads after stop().
  void take(const std::vector<log_record>& batch, const std::vector<append_outcome>& outcomes) {
    if (outcomes.size() != batch.size())
      ++wrong;
    for (size_t i = 0; i < outcomes.size(); ++i) {
      const auto& x = outcomes[i];
      if (x.status == outcome::accepted) {
        const bool fresh =
            journal_.try_emplace({x.pos.partition, x.pos.offset}, batch[i].value).second;
        wrong += !fresh || x.pos.partition != batch[i].partition;
        ++accepted;
      } else if (x.status == outcome::rejected) {
        refused_.insert(batch[i].value);
        wrong += x.code != errc::overloaded;
        ++rejected;
      } else {
        wrong += x.code != errc::log_unavailable;
        ++unknown;
      }
    }
  }

  event_log& log_;
  std::atomic<bool> stop_{false};
  std::atomic<int> open_{0};
  int sent_ = 0;
  std::map<std::pair<uint32_t, int64_t>, std::string> journal_;
  std::set<std::string> refused_;
  std::thread thread_;
};

/// Follows one partition from its start, by itself, for as long as it lives.
class follower {
public:
  follower(event_log& log, uint32_t partition) : log_(log), partition_(partition) { next(); }
  std::vector<std::string> values() const {
    std::lock_guard lock(mutex_);
    return values_;
  }
  size_t count() const { return count_; }

private:
  void next() {
    log_.fetch(partition_, static_cast<int64_t>(count_.load()), {}, [this](auto batch) {
      if (!batch)
        return;
      {
        std::lock_guard lock(mutex_);
        for (auto& entry : batch->entries)
          values_.push_back(std::move(entry.value));
        count_ = values_.size();
      }
      next();
    });
  }

  event_log& log_;
  const uint32_t partition_;
  mutable std::mutex mutex_;
  std::vector<std::string> values_;
  std::atomic<size_t> count_{0};
};

using followers = std::array<std::unique_ptr<follower>, 4>;

followers follow_all(event_log& log) {
  followers out;
  for (uint32_t partition = 0; partition < out.size(); ++partition)
    out[partition] = std::make_unique<follower>(log, partition);
  return out;
}

/// Every accepted record stands at its position, and nothing refused stands anywhere.
void check_journal(event_log& log, const followers& readers, const load& done) {
  std::array<int64_t, 4> ends{};
  for (uint32_t partition = 0; partition < 4; ++partition) {
    answer<std::vector<append_outcome>> last;
    log.append({{partition, "key", "last"}}, last.callback());
    auto outcomes = last.get();
    REQUIRE(outcomes[0].status == outcome::accepted);
    ends[partition] = outcomes[0].pos.offset + 1;
  }
  std::array<std::vector<std::string>, 4> stored;
  size_t total = 0;
  int refused = 0;
  std::set<std::string> distinct;
  for (size_t i = 0; i < 4; ++i) {
    REQUIRE(eventually([&] { return static_cast<int64_t>(readers[i]->count()) == ends[i]; }));
    stored[i] = readers[i]->values();
    for (size_t k = 0; k + 1 < stored[i].size(); ++k) {
      ++total;
      distinct.insert(stored[i][k]);
      refused += static_cast<int>(done.refused().count(stored[i][k]));
    }
  }
  int lost = 0;
  for (const auto& [at, value] : done.journal())
    lost += stored[at.first].at(static_cast<size_t>(at.second)) != value;
  WARN("sent " << done.sent() << ", accepted " << done.accepted << ", unknown " << done.unknown
               << ", rejected " << done.rejected << "; stored " << total << ", twice "
               << total - distinct.size() << ", accepted and lost " << lost
               << ", rejected and stored " << refused);
  CHECK(lost == 0);
  CHECK(refused == 0);
  CHECK(done.wrong == 0);
}

} // namespace

TEST_CASE("a broker that dies under load loses nothing it confirmed",
          "[contract][kafka_log][fault]") {
  if (is_off())
    return;
  kafka_broker broker;
  kafka_config config;
  config.brokers = broker.address();
  config.open_timeout = milliseconds{30'000};
  config.message_timeout = milliseconds{3'000};
  auto log = open_log(config);
  auto readers = follow_all(*log);
  load clicks(*log);
  REQUIRE(eventually([&] { return clicks.accepted > 2'000; }));
  broker.kill9();
  CHECK(eventually([&] { return !log->health().empty() && clicks.unknown > 0; }));
  const auto before = std::chrono::steady_clock::now();
  broker.start();
  const int accepted = clicks.accepted;
  CHECK(eventually([&] { return clicks.accepted > accepted; }));
  WARN(
      "accepted again "
      << std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - before).count()
      << " ms after the start of the broker");
  CHECK(eventually([&] { return clicks.accepted > accepted + 2'000 && log->health().empty(); }));
  clicks.stop();
  check_journal(*log, readers, clicks);
  log.reset(); // before its readers go
}

TEST_CASE("a broker that hangs under load loses nothing it confirmed",
          "[contract][kafka_log][fault]") {
  if (is_off())
    return;
  kafka_broker broker;
  kafka_config config;
  config.brokers = broker.address();
  config.open_timeout = milliseconds{30'000};
  config.message_timeout = milliseconds{3'000};
  config.request_timeout = milliseconds{1'500};
  config.stalled_after = milliseconds{1'000};
  config.append_records_max = 10'000;
  auto log = open_log(config);
  auto readers = follow_all(*log);
  load clicks(*log);
  REQUIRE(eventually([&] { return clicks.accepted > 2'000; }));
  broker.pause();
  CHECK(eventually([&] { return clicks.unknown > 0 && !log->health().empty(); }));
  CHECK(eventually([&] { return clicks.unknown > 20'000 || clicks.rejected > 2'000; }));
  broker.resume();
  const int accepted = clicks.accepted;
  CHECK(eventually([&] { return clicks.accepted > accepted + 2'000 && log->health().empty(); }));
  clicks.stop();
  check_journal(*log, readers, clicks);
  // Closing does not wait for a broker that hangs.
  broker.pause();
  answer<std::vector<append_outcome>> open;
  log->append({{0, "key", "value"}}, open.callback());
  log.reset();
  auto outcomes = open.get();
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].status == outcome::unknown);
  CHECK(outcomes[0].code == errc::log_unavailable);
  broker.resume();
}

TEST_CASE("a broker that is gone is not back because of records that were read ahead",
          "[contract][kafka_log][fault]") {
  mock_brokers broker;
  auto log = open_log(broker.config);
  for (const char* value : {"a", "b"})
    REQUIRE(append_one(*log, value).status == outcome::accepted);
  auto read = [&](int64_t from) {
    answer<caf::expected<log_batch>> reply;
    log->fetch(0, from, {1, 1 << 20}, reply.callback());
    return reply.get()->entries.at(0).value;
  };
  CHECK(read(0) == "a");
  std::this_thread::sleep_for(milliseconds{500}); // by now the client has read ahead
  rd_kafka_mock_broker_set_down(broker.cluster.get(), 1);
  CHECK(eventually([&] { return !log->health().empty(); }));
  std::this_thread::sleep_for(milliseconds{1'500}); // both clients have said so
  CHECK(read(1) == "b");
  CHECK_THAT(log->health(), Catch::Contains("no Kafka broker can be reached"));
  rd_kafka_mock_broker_set_up(broker.cluster.get(), 1);
  CHECK(eventually([&] { return log->health().empty(); }));
}

TEST_CASE("a connection on which nothing comes is not yet a log that is gone",
          "[contract][kafka_log][fault]") {
  mock_brokers broker;
  auto log = open_log(broker.config);
  const auto heard = [&] { return log->heard_us().value(); };
  const auto began = heard();
  REQUIRE(eventually([&] { return heard() > began; }));
  // What is answered from now on comes in a minute, and all behind it on the same connection.
  rd_kafka_mock_broker_set_rtt(broker.cluster.get(), 1, 60'000);
  std::this_thread::sleep_for(milliseconds{1'500}); // Each client has asked.
  const auto last = heard();
  std::this_thread::sleep_for(milliseconds{1'500});
  CHECK(heard() == last);
  rd_kafka_mock_broker_set_rtt(broker.cluster.get(), 1, 0);
  SECTION("it is heard by another connection") {
    CHECK(eventually([&] { return heard() > last; }, milliseconds{6'000}));
  }
  SECTION("the end does not wait for it") {
    const auto from = std::chrono::steady_clock::now();
    log.reset();
    CHECK(std::chrono::steady_clock::now() - from < milliseconds{5'000});
  }
}

TEST_CASE("appends that are given up are no sign of life", "[contract][kafka_log][fault]") {
  mock_brokers broker;
  broker.config.message_timeout = milliseconds{500};
  broker.config.stalled_after = milliseconds{2'500};
  auto log = open_log(broker.config);
  REQUIRE(append_one(*log, "a").status == outcome::accepted);
  // It answers each time that too few replicas are in sync.
  const std::vector<rd_kafka_resp_err_t> refusals(100'000, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);
  rd_kafka_mock_push_request_errors_array(broker.cluster.get(), produce_request, refusals.size(),
                                          refusals.data());
  load clicks(*log);
  CHECK(eventually([&] { return clicks.unknown > 0; }));
  CHECK(eventually([&] { return !log->health().empty(); }));
  CHECK_THAT(log->health(), Catch::Contains("has not confirmed an append"));
}

TEST_CASE("a partition without a leader holds up no other", "[contract][kafka_log][fault]") {
  mock_brokers broker;
  auto log = open_log(broker.config);
  REQUIRE(append_one(*log, "a").status == outcome::accepted);
  auto* cluster = broker.cluster.get();
  rd_kafka_mock_partition_set_leader(cluster, "clicks", 0, -1);
  answer<std::vector<append_outcome>> open;
  log->append({{0, "k", "b"}}, open.callback());
  for (int i = 0; i < 20; ++i) {
    answer<std::vector<append_outcome>> reply;
    log->append({{1, "k", "c"}}, reply.callback());
    CHECK(reply.get().at(0).status == outcome::accepted);
  }
  CHECK_FALSE(open.is_ready());
  rd_kafka_mock_partition_set_leader(cluster, "clicks", 0, 1);
  CHECK(open.get().at(0).status == outcome::accepted);
}

TEST_CASE("a record's time is one that can be stored", "[contract][kafka_log]") {
  mock_brokers broker;
  auto log = open_log(broker.config);
  char text[256];
  auto* conf = rd_kafka_conf_new();
  REQUIRE(
      rd_kafka_conf_set(conf, "bootstrap.servers", broker.config.brokers.c_str(), text, sizeof text)
      == RD_KAFKA_CONF_OK);
  kafka::client_ptr other{rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text)};
  // Nanoseconds in place of milliseconds, and the most that there is.
  for (int64_t time_ms : {int64_t{1'762'372'800'000}, int64_t{1'762'372'800'000'000'000},
                          std::numeric_limits<int64_t>::max()})
    REQUIRE(rd_kafka_producev(other.get(), RD_KAFKA_V_TOPIC("clicks"), RD_KAFKA_V_PARTITION(0),
                              RD_KAFKA_V_VALUE(text, 1), RD_KAFKA_V_TIMESTAMP(time_ms),
                              RD_KAFKA_V_END)
            == RD_KAFKA_RESP_ERR_NO_ERROR);
  REQUIRE(rd_kafka_flush(other.get(), 20'000) == RD_KAFKA_RESP_ERR_NO_ERROR);
  std::vector<int64_t> times;
  while (times.size() < 3) {
    answer<caf::expected<log_batch>> reply;
    log->fetch(0, static_cast<int64_t>(times.size()), {}, reply.callback());
    const auto batch = reply.get();
    for (const auto& x : batch->entries)
      times.push_back(x.time_us);
  }
  CHECK(times
        == std::vector<int64_t>{1'762'372'800'000'000, limits::last_at_us, limits::last_at_us});
}

TEST_CASE("a producer that ended is replaced", "[contract][kafka_log][fault]") {
  mock_brokers broker;
  auto& config = broker.config;
  std::mutex mutex;
  std::string said;
  config.report = [&](const std::string& line) {
    std::lock_guard lock(mutex);
    said += line + "\n";
  };
  auto log = open_log(config);
  auto append = [&] {
    answer<std::vector<append_outcome>> reply;
    log->append({{0, "k", "a"}, {1, "k", "b"}}, reply.callback());
    return reply.get();
  };
  REQUIRE(append()[0].status == outcome::accepted);
  for (int round = 0; round < 3; ++round) {
    rd_kafka_mock_push_request_errors(broker.cluster.get(), produce_request, 1,
                                      RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    auto outcomes = append();
    CHECK((outcomes[0].status == outcome::unknown || outcomes[1].status == outcome::unknown));
    CHECK(eventually([&] { return append()[0].status == outcome::accepted; }));
  }
  CHECK(log->health().empty());
  log.reset();
  CHECK_THAT(said, Catch::Contains("it is replaced"));
}
