#include "net/kafka/onlooker.hpp"

#include <system_error>
#include <utility>

#include "net/kafka/entry.hpp"
#include "net/kafka/topic_id.hpp"

namespace footfall::kafka {

namespace {

using namespace std::chrono_literals;

// Nobody waits longer at the end of the node.
constexpr auto patience = 1'000ms;
constexpr int patience_ms = patience.count();

// What the topic is, is asked so often; in trouble more often.
constexpr auto ask_pause = 1s;
constexpr auto ask_again_pause = 1s;

// Records of so many partitions are fetched at a time; what librdkafka may read ahead of
// each is bounded below.
constexpr size_t read_together_max = 64;

// The first look, and one that finds another topic, needs two.
constexpr int looks_until_still = 4;

} // namespace

onlooker::onlooker(const kafka_config& config, broker_health& health, found_more found)
    : config_(config), health_(health), found_(std::move(found)) {}

caf::expected<std::unique_ptr<onlooker>> onlooker::open(const kafka_config& config,
                                                        broker_health& health, found_more found) {
  std::unique_ptr<onlooker> out(new onlooker(config, health, std::move(found)));
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
                             {"fetch.max.bytes", "8388608"},
                             {"queued.min.messages", "1000"},
                             {"queued.max.messages.kbytes", "64"}},
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
    fail(x, RD_KAFKA_RESP_ERR__DESTROY);
}

void onlooker::look(uint32_t partition, int64_t offset, event_log::look_done done) {
  {
    std::lock_guard lock(mutex_);
    if (requests_.size() < config_.looks_max) {
      requests_.push_back({partition, offset, std::move(done), {}});
      wakes_.notify_one();
      return;
    }
  }
  done(make_error(errc::overloaded, std::to_string(config_.looks_max)
                                        + " looks at the event log wait for their answer"));
}

void onlooker::run() {
  while (!stop_) {
    std::deque<request> asked;
    {
      std::unique_lock lock(mutex_);
      wakes_.wait_for(lock, 200ms, [this] { return stop_ || !requests_.empty(); });
      asked.swap(requests_);
    }
    rd_kafka_poll(client_.get(), 0);
    // What this client knows of leaders may be old when one of them did not answer.
    if (steady::now() >= next_ask_ || (is_doubted_ && !asked.empty()))
      ask_topic();
    if (!asked.empty())
      answer(std::move(asked));
  }
}

void onlooker::answer(std::deque<request> asked) {
  const auto [ranges, id] = look_at_topic(asked);
  std::deque<request> to_read;
  for (auto& x : asked) {
    const auto& range = ranges.at(x.partition);
    if (range.error) {
      fail(x, range.error);
      continue;
    }
    x.view.identity = id;
    x.view.first = range.first;
    x.view.end = range.end;
    if (x.offset < range.first || x.offset >= range.end)
      x.done(std::move(x.view));
    else
      to_read.push_back(std::move(x));
  }
  read(std::move(to_read));
}

void onlooker::ask_topic() {
  auto told = kafka::ask_topic(client_.get(), topic_.get(), patience_ms);
  const auto error = told.error;
  next_ask_ = steady::now() + (error ? ask_again_pause : ask_pause);
  if (error && !is_missing(error) && error != RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
    return; // A question without an answer says nothing.
  heard_us_ = steady_now();
  {
    std::lock_guard lock(mutex_);
    trouble_ =
        error ? "Kafka topic " + config_.topic + " cannot be read: " + rd_kafka_err2str(error) : "";
  }
  if (error)
    return;
  state_ = std::move(told);
  is_doubted_ = false;
  found_(state_.partitions());
}

std::string onlooker::health() const {
  std::lock_guard lock(mutex_);
  return trouble_;
}

// A topic can be made anew between two questions: ranges are told beside an identity that
// stood before they were asked for and stands after.
onlooker::seen onlooker::look_at_topic(const std::deque<request>& asked) {
  seen out;
  for (int i = 0; i < looks_until_still; ++i) {
    out = {ranges_of(asked), identity()};
    if (std::exchange(identity_, out.identity) == out.identity)
      break;
  }
  return out;
}

// One leader after the other: one that is down costs the others a second, and not the answer.
std::map<uint32_t, partition_range> onlooker::ranges_of(const std::deque<request>& asked) {
  std::map<uint32_t, partition_range> out;
  for (const auto& x : asked)
    out[x.partition].partition = x.partition;
  std::map<int32_t, std::vector<partition_range>> by_leader;
  for (const auto& [partition, range] : out)
    by_leader[partition < state_.partitions() ? state_.leaders[partition] : -1].push_back(range);
  for (auto& [leader, ranges] : by_leader) {
    if (!stop_)
      ask_ranges(client_.get(), config_.topic, ranges, patience);
    for (auto& x : ranges) {
      if (stop_)
        x.error = RD_KAFKA_RESP_ERR__DESTROY;
      out[x.partition] = x;
    }
  }
  return out;
}

void onlooker::read(std::deque<request> all) {
  while (!all.empty()) {
    std::map<uint32_t, request> now;
    std::deque<request> later;
    for (auto& x : all) {
      const auto partition = x.partition;
      if (now.size() == read_together_max || !now.try_emplace(partition, std::move(x)).second)
        later.push_back(std::move(x));
    }
    if (stop_)
      for (auto& [partition, x] : now)
        fail(x, RD_KAFKA_RESP_ERR__DESTROY);
    else
      read_together(std::move(now));
    all = std::move(later);
  }
}

void onlooker::read_together(std::map<uint32_t, request> all) {
  for (const auto& [partition, x] : all)
    rd_kafka_consume_start(topic_.get(), static_cast<int32_t>(partition), x.offset);
  const deadline until(patience);
  for (auto& [partition, x] : all) {
    take_record(x, until);
    rd_kafka_consume_stop(topic_.get(), static_cast<int32_t>(partition));
  }
}

// None where the log has none at the offset.
void onlooker::take_record(request& x, const deadline& until) {
  const message_ptr message(
      rd_kafka_consume(topic_.get(), static_cast<int32_t>(x.partition), until.left_ms()));
  if (!message)
    return fail(x, RD_KAFKA_RESP_ERR__TIMED_OUT);
  const bool is_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
  if (is_end && message->offset <= x.offset) // A leader that is new does not know its end yet.
    return fail(x, RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE);
  if (message->err && !is_end)
    return fail(x, message->err);
  if (!is_end && message->offset == x.offset)
    x.view.at.push_back(entry_of(*message));
  x.done(std::move(x.view));
}

std::string onlooker::identity() {
  auto* id = rd_kafka_clusterid(client_.get(), patience_ms);
  std::string out = id ? std::string("cluster=") + id : "";
  if (id)
    rd_kafka_mem_free(client_.get(), id);
  if (const auto topic = topic_identity(); !topic.empty())
    out += (out.empty() ? "topic=" : ";topic=") + topic;
  return out;
}

// Asked for on a thread that nobody waits for in the end: a name server may be silent for
// longer than any broker. None where it is not known now.
std::string onlooker::topic_identity() {
  if (asked_topic_id_.valid() && asked_topic_id_.wait_for(0ms) == std::future_status::ready)
    asked_topic_id_ = {}; // It came too late: it may be of a topic before.
  if (stop_ || !is_plain() || asked_topic_id_.valid() || steady::now() < ask_again_)
    return "";
  std::packaged_task<std::string()> ask([brokers = state_.brokers, topic = config_.topic] {
    return topic_id(brokers, topic, patience);
  });
  asked_topic_id_ = ask.get_future();
  try {
    std::thread(std::move(ask)).detach();
  } catch (const std::system_error&) {
    asked_topic_id_ = {}; // No thread is left for it.
    return "";
  }
  std::string out;
  if (asked_topic_id_.wait_for(patience + 100ms) == std::future_status::ready)
    out = asked_topic_id_.get();
  if (out.empty())
    ask_again_ = steady::now() + 1s; // The looks that follow are not held up by it.
  return out;
}

bool onlooker::is_plain() const {
  for (const auto& [name, value] : config_.properties)
    if (name == "security.protocol" && value != "plaintext" && value != "PLAINTEXT")
      return false;
  return true;
}

void onlooker::fail(const request& x, rd_kafka_resp_err_t code) {
  if (stop_)
    return x.done(make_error(errc::shutting_down, "the event log is closing"));
  is_doubted_ = true;
  x.done(make_error(errc::log_unavailable,
                    "Kafka does not say what partition " + std::to_string(x.partition)
                        + " of topic " + config_.topic + " holds: " + rd_kafka_err2str(code)));
}

void onlooker::on_error(rd_kafka_resp_err_t code, const char* reason) {
  health_.heed(code, reason);
}

void onlooker::on_log(const std::string& line) {
  if (config_.report)
    config_.report(line);
}

} // namespace footfall::kafka
