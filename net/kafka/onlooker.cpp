#include "net/kafka/onlooker.hpp"

#include <algorithm>

#include "net/kafka/entry.hpp"
#include "net/kafka/topic.hpp"
#include "net/kafka/topic_id.hpp"

namespace footfall::kafka {

namespace {

using namespace std::chrono_literals;

// Nobody waits longer at the end of the node.
constexpr int patience_ms = 1000;

} // namespace

onlooker::onlooker(const kafka_config& config, broker_health& health)
    : config_(config), health_(health) {}

caf::expected<std::unique_ptr<onlooker>> onlooker::open(const kafka_config& config,
                                                        broker_health& health) {
  std::unique_ptr<onlooker> out(new onlooker(config, health));
  if (auto err = out->start())
    return err;
  return out;
}

caf::error onlooker::start() {
  // One record is wanted at a time, and at once. librdkafka (2.0.2) does not ask for it while
  // its queue is as long as `queued.min.messages`, and once that is shorter only after a
  // second: at 1, whatever is left there from before made 4 of 56 looks fail.
  auto client = make_client(RD_KAFKA_CONSUMER, config_,
                            {{"enable.auto.commit", "false"},
                             {"enable.auto.offset.store", "false"},
                             {"enable.partition.eof", "true"},
                             {"allow.auto.create.topics", "false"},
                             {"isolation.level", "read_uncommitted"},
                             {"fetch.wait.max.ms", "10"},
                             {"fetch.min.bytes", "1"},
                             {"fetch.message.max.bytes", "65536"},
                             {"queued.min.messages", "1000"},
                             {"queued.max.messages.kbytes", "1024"}},
                            *this);
  if (!client)
    return std::move(client.error());
  client_ = std::move(*client);
  auto topic = make_topic(client_.get(), config_,
                          {{"auto.offset.reset", "error"}, {"auto.commit.enable", "false"}});
  if (!topic)
    return std::move(topic.error());
  topic_ = std::move(*topic);
  thread_ = std::thread([this] { run(); });
  return caf::none;
}

onlooker::~onlooker() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wakes_.notify_one();
  if (thread_.joinable())
    thread_.join();
  for (auto& x : requests_)
    x.done(make_error(errc::shutting_down, "the event log is closing"));
}

void onlooker::look(uint32_t partition, int64_t offset, event_log::look_done done) {
  {
    std::lock_guard lock(mutex_);
    requests_.push_back({partition, offset, std::move(done)});
  }
  wakes_.notify_one();
}

void onlooker::run() {
  while (true) {
    request ask;
    {
      std::unique_lock lock(mutex_);
      wakes_.wait_for(lock, 200ms, [this] { return stop_ || !requests_.empty(); });
      if (stop_)
        return;
      if (!requests_.empty()) {
        ask = std::move(requests_.front());
        requests_.pop_front();
      }
    }
    rd_kafka_poll(client_.get(), 0);
    if (ask.done)
      ask.done(answer(ask));
  }
}

caf::expected<log_view> onlooker::answer(const request& ask) {
  auto range = range_of(ask.partition);
  uint32_t partitions = 0;
  // What this client knows of the topic may be minutes old, the partition newer.
  if (range.error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION
      && !topic_error(client_.get(), topic_.get(), patience_ms, partitions))
    range = range_of(ask.partition);
  if (range.error)
    return failed(ask.partition, range.error);
  log_view out;
  out.first = range.first;
  out.end = range.end;
  out.identity = identity();
  if (ask.offset < out.first || ask.offset >= out.end)
    return out;
  auto record = read(ask.partition, ask.offset);
  if (!record)
    return std::move(record.error());
  out.at = std::move(*record);
  return out;
}

partition_range onlooker::range_of(uint32_t partition) {
  std::vector<partition_range> out(1);
  out[0].partition = partition;
  // A leader that did not answer may be another one by now.
  if (uint32_t partitions = 0; std::exchange(failed_, false))
    topic_error(client_.get(), topic_.get(), patience_ms, partitions);
  ask_ranges(client_.get(), config_.topic, out, std::chrono::milliseconds(patience_ms));
  failed_ = out[0].error != RD_KAFKA_RESP_ERR_NO_ERROR;
  return out[0];
}

caf::expected<std::vector<log_entry>> onlooker::read(uint32_t partition, int64_t offset) {
  const auto id = static_cast<int32_t>(partition);
  if (rd_kafka_consume_start(topic_.get(), id, offset))
    return failed(partition, rd_kafka_last_error());
  // A leader that does not know its end yet says that the log ends before the record.
  const auto until = steady::now() + std::chrono::milliseconds(patience_ms);
  message_ptr message;
  do {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - steady::now()).count();
    message.reset(rd_kafka_consume(topic_.get(), id, static_cast<int>(std::max<int64_t>(left, 0))));
  } while (message && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && message->offset <= offset
           && steady::now() < until);
  rd_kafka_consume_stop(topic_.get(), id);
  if (!message)
    return failed(partition, RD_KAFKA_RESP_ERR__TIMED_OUT);
  if (message->err && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
    return failed(partition, message->err);
  std::vector<log_entry> out;
  if (message->err && message->offset <= offset)
    return failed(partition, RD_KAFKA_RESP_ERR__TIMED_OUT);
  if (!message->err && message->offset == offset)
    out.push_back(entry_of(*message));
  return out;
}

std::string onlooker::identity() {
  auto* id = rd_kafka_clusterid(client_.get(), patience_ms);
  std::string out = id ? std::string("cluster=") + id : "";
  if (id)
    rd_kafka_mem_free(client_.get(), id);
  // All partitions are looked at together: one answer is enough for them.
  if (is_plain() && steady::now() >= ask_again_) {
    topic_id_ = topic_id(config_.brokers, config_.topic, std::chrono::milliseconds(patience_ms));
    ask_again_ = steady::now() + 1s;
  }
  if (!topic_id_.empty())
    out += (out.empty() ? "topic=" : ";topic=") + topic_id_;
  return out;
}

bool onlooker::is_plain() const {
  for (const auto& [name, value] : config_.properties)
    if (name == "security.protocol" && value != "plaintext" && value != "PLAINTEXT")
      return false;
  return true;
}

caf::error onlooker::failed(uint32_t partition, rd_kafka_resp_err_t code) const {
  return make_error(errc::log_unavailable,
                    "Kafka does not say what partition " + std::to_string(partition) + " of topic "
                        + config_.topic + " holds: " + rd_kafka_err2str(code));
}

void onlooker::on_error(rd_kafka_resp_err_t code, const char* reason) {
  if (is_down(code))
    health_.down(reason);
}

void onlooker::on_log(const std::string& line) {
  if (config_.report)
    config_.report(line);
}

} // namespace footfall::kafka
