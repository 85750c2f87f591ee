#include "net/kafka/consumer.hpp"

#include <algorithm>

#include "actors/ports/clock.hpp"
#include "net/kafka/entry.hpp"
#include "net/kafka/range.hpp"

namespace footfall::kafka {

namespace {

using namespace std::chrono_literals;

// A partition that cannot be read is tried again; the error comes back as long as
// it lasts, so a trouble that was not seen for a while is over.
constexpr auto retry_pause = 1s;
constexpr auto trouble_lasts = 5s;

} // namespace

consumer::consumer(const kafka_config& config, uint32_t partitions, broker_health& health)
    : config_(config), health_(health), parts_(partitions), partitions_(partitions),
      applied_(partitions, -1) {}

caf::error consumer::start() {
  property_list ours = {{"enable.auto.commit", "false"},   {"enable.auto.offset.store", "false"},
                        {"enable.partition.eof", "true"},  {"allow.auto.create.topics", "false"},
                        {"fetch.wait.max.ms", "500"},      {"fetch.min.bytes", "1"},
                        {"fetch.error.backoff.ms", "100"}, {"fetch.message.max.bytes", "1048576"},
                        {"fetch.max.bytes", "8388608"},    {"queued.min.messages", "100000"}};
  if (!config_.group.empty()) {
    ours.emplace_back("group.id", config_.group);
    // We join no group; librdkafka waits this long for a coordinator before it gives up a
    // commit, and the end of the client with it (45 s unless told; confluentinc/librdkafka 3740).
    ours.emplace_back("session.timeout.ms", "500");
  }
  // A megabyte is what one fetch may bring for a partition.
  auto share = std::max<size_t>(1024, config_.fetch_bytes_max / 1024 / parts_.size());
  ours.emplace_back("queued.max.messages.kbytes", std::to_string(share));
  auto client = make_client(RD_KAFKA_CONSUMER, config_, ours, *this);
  if (!client)
    return std::move(client.error());
  client_ = std::move(*client);
  auto topic = make_topic(client_.get(), config_,
                          {{"auto.offset.reset", "error"}, {"auto.commit.enable", "false"}});
  if (!topic)
    return std::move(topic.error());
  topic_ = std::move(*topic);
  main_ = main_queue(client_.get(), signal_);
  thread_ = std::thread([this] { run(); });
  return caf::none;
}

caf::expected<std::unique_ptr<consumer>>
consumer::open(const kafka_config& config, uint32_t partitions, broker_health& health) {
  std::unique_ptr<consumer> out(new consumer(config, partitions, health));
  if (auto err = out->start())
    return err;
  return out;
}

consumer::~consumer() {
  stop_ = true;
  signal_.notify();
  if (thread_.joinable())
    thread_.join();
  main_.reset();
  topic_.reset();
  client_.reset();
}

void consumer::fetch(uint32_t partition, int64_t from, fetch_limits most,
                     event_log::fetch_done done) {
  {
    std::lock_guard lock(mutex_);
    requests_.push_back({partition, from, most, std::move(done), false});
  }
  signal_.notify();
}

void consumer::found(uint32_t partitions) {
  found_ = partitions;
  signal_.notify();
}

void consumer::applied(uint32_t partition, int64_t below) {
  std::lock_guard lock(mutex_);
  if (partition < applied_.size() && below > applied_[partition]) {
    applied_[partition] = below;
    applied_changed_ = true;
  }
}

// Another node may be behind what this one applied, for all that is known here.
void consumer::close(uint32_t partition) {
  {
    std::lock_guard lock(mutex_);
    if (partition < applied_.size())
      applied_[partition] = -1;
    requests_.push_back({partition, 0, {}, {}, true});
  }
  signal_.notify();
}

std::string consumer::health() const {
  std::lock_guard lock(mutex_);
  return trouble_.empty() || steady::now() > trouble_at_ + trouble_lasts ? "" : trouble_;
}

void consumer::run() {
  next_report_ = steady::now() + 5s;
  while (!stop_) {
    signal_.wait_for(200ms);
    rd_kafka_poll(client_.get(), 0);
    if (const uint32_t found = found_; found > parts_.size())
      grow(found);
    take_requests();
    hear();
    for (uint32_t id = 0; id < parts_.size(); ++id)
      if (parts_[id].asked)
        serve(id);
    if (steady::now() >= next_report_) {
      next_report_ = steady::now() + 5s;
      report_progress();
    }
  }
  report_progress();
  take_requests();
  for (uint32_t id = 0; id < parts_.size(); ++id) {
    end(id, 0ms);
    if (parts_[id].asked)
      fail(id, errc::shutting_down, "the event log is closing");
  }
}

// What a broker told with records that it sent: also when nobody has asked for them yet, and not of
// what was read ahead before.
void consumer::hear() {
  if (steady::now() < next_hear_)
    return;
  next_hear_ = steady::now() + 200ms;
  for (uint32_t id = 0; id < parts_.size(); ++id) {
    auto& part = parts_[id];
    if (!part.queue)
      continue;
    const auto end = known_range(id).second;
    if (std::exchange(part.known_end, end) < end)
      heard_us_ = steady_now();
  }
}

void consumer::take_requests() {
  std::deque<request> taken;
  {
    std::lock_guard lock(mutex_);
    taken.swap(requests_);
  }
  for (auto& x : taken) {
    if (x.closes) {
      if (x.partition < parts_.size() && parts_[x.partition].asked)
        fail(x.partition, errc::timeout, "nobody reads the partition any more");
      if (x.partition < parts_.size())
        end(x.partition, 0ms);
      continue;
    }
    if (x.partition >= parts_.size() || x.from < 0) {
      x.done(make_error(errc::invalid_argument,
                        "Kafka topic " + config_.topic + " has " + std::to_string(parts_.size())
                            + " partitions and offsets from 0 on; asked for partition "
                            + std::to_string(x.partition) + ", offset " + std::to_string(x.from)));
      continue;
    }
    auto& part = parts_[x.partition];
    if (part.asked)
      fail(x.partition, errc::timeout, "another fetch of the partition took its place");
    part.open = std::move(x);
    part.asked = true;
  }
}

void consumer::serve(uint32_t id) {
  auto& part = parts_[id];
  if (part.queue && part.next != part.open.from)
    end(id, 0ms);
  if (!part.queue) {
    if (steady::now() < part.start_at)
      return;
    begin(id);
  }
  log_batch batch;
  batch.first_offset = part.next;
  size_t bytes = 0;
  while (batch.entries.size() < std::max<uint32_t>(1, part.open.most.records)) {
    auto message = next_message(part);
    if (!message)
      break;
    const bool at_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    const bool failed = message->err && !at_end;
    const bool jumps_over_loss = message->offset > part.next && known_range(id).first > part.next;
    // What follows delivered records waits for the next fetch: an error of the log
    // must not take them with it.
    const bool full = !at_end && bytes + message->len > part.open.most.bytes;
    if (!batch.entries.empty() && (failed || jumps_over_loss || full)) {
      part.held = std::move(message);
      break;
    }
    if (failed)
      return failed_message(id, *message);
    if (jumps_over_loss)
      return missing(id);
    if (message->offset < part.next)
      continue;                  // librdkafka drops these itself; they were delivered before
    part.next = message->offset; // Offsets between have no record.
    if (at_end)
      continue;
    bytes += message->len;
    batch.entries.push_back(entry_of(*message));
    ++part.next;
  }
  if (part.next > batch.first_offset)
    deliver(id, std::move(batch));
}

message_ptr consumer::next_message(part& x) {
  if (x.held)
    return std::move(x.held);
  return message_ptr(rd_kafka_consume_queue(x.queue.get(), 0));
}

// A fresh queue each time: nothing that was read for another position can be in it.
void consumer::begin(uint32_t id) {
  auto& part = parts_[id];
  auto queue = new_queue(client_.get(), signal_);
  if (rd_kafka_consume_start_queue(topic_.get(), static_cast<int32_t>(id), part.open.from,
                                   queue.get())) {
    trouble(id, rd_kafka_err2str(rd_kafka_last_error()));
    part.start_at = steady::now() + retry_pause;
    return;
  }
  part.queue = std::move(queue);
  part.next = part.open.from;
}

void consumer::end(uint32_t id, std::chrono::milliseconds pause) {
  auto& part = parts_[id];
  part.held.reset();
  if (part.queue) {
    rd_kafka_consume_stop(topic_.get(), static_cast<int32_t>(id));
    part.queue.reset();
  }
  part.start_at = steady::now() + pause;
}

void consumer::deliver(uint32_t id, log_batch batch) {
  auto& part = parts_[id];
  batch.partition = id;
  batch.next_offset = part.next;
  batch.end_offset = std::max(known_range(id).second, part.next);
  part.asked = false;
  part.beyond_end = -1;
  auto done = std::move(part.open.done);
  done(std::move(batch));
}

void consumer::fail(uint32_t id, errc code, std::string text) {
  auto& part = parts_[id];
  part.asked = false;
  auto done = std::move(part.open.done);
  done(make_error(code, std::move(text)));
}

void consumer::failed_message(uint32_t id, const rd_kafka_message_t& message) {
  if (errc_of(message.err) == errc::gap)
    return missing(id);
  trouble(id, rd_kafka_message_errstr(&message));
  end(id, retry_pause);
}

// The broker refused the position, or its log begins above it. The alarm stops the
// partition for good, so it is given only for what the broker itself confirms.
void consumer::missing(uint32_t id) {
  auto& part = parts_[id];
  const auto at = part.next;
  end(id, 200ms);
  std::vector<partition_range> asked(1);
  asked[0].partition = id;
  ask_ranges(client_.get(), config_.topic, asked, 2s);
  if (asked[0].error)
    return trouble(id, rd_kafka_err2str(asked[0].error));
  const auto low = asked[0].first;
  const auto high = asked[0].end;
  auto where = "Kafka topic " + config_.topic + ", partition " + std::to_string(id) + ": ";
  auto range = "; the log holds offsets " + std::to_string(low) + " to " + std::to_string(high - 1);
  if (at < low)
    return fail(id, errc::gap,
                where + "records " + std::to_string(at) + " to " + std::to_string(low - 1)
                    + " were deleted before they were applied" + range);
  // A leader that is new may not know yet how far its log goes: it is asked twice.
  if (at > high && std::exchange(part.beyond_end, at) == at)
    return fail(id, errc::gap,
                where + "offset " + std::to_string(at)
                    + " lies beyond the end of the log: it lost records, or the topic was made anew"
                    + range);
}

void consumer::grow(uint32_t partitions) {
  if (config_.report)
    config_.report("Kafka topic " + config_.topic + " has " + std::to_string(partitions)
                   + " partitions now, " + std::to_string(parts_.size())
                   + " before: the new ones are read from their beginning; events that are posted "
                     "here go to them after the next start");
  parts_.resize(partitions);
  {
    std::lock_guard lock(mutex_);
    applied_.resize(partitions, -1);
  }
  partitions_ = partitions;
}

void consumer::on_error(rd_kafka_resp_err_t code, const char* reason) {
  health_.heed(code, reason);
}

void consumer::on_log(const std::string& line) {
  if (config_.report)
    config_.report(line);
}

void consumer::trouble(uint32_t id, const std::string& text) {
  std::lock_guard lock(mutex_);
  trouble_ = "Kafka topic " + config_.topic + ", partition " + std::to_string(id)
             + " cannot be read: " + text;
  trouble_at_ = steady::now();
}

// As the last answer to a fetch told; no request is made.
std::pair<int64_t, int64_t> consumer::known_range(uint32_t id) const {
  int64_t low = 0;
  int64_t high = 0;
  rd_kafka_get_watermark_offsets(client_.get(), config_.topic.c_str(), static_cast<int32_t>(id),
                                 &low, &high);
  return {low, high};
}

// For lag dashboards alone: not waited for, and failures change nothing.
void consumer::report_progress() {
  std::vector<int64_t> progress;
  {
    std::lock_guard lock(mutex_);
    if (config_.group.empty() || !std::exchange(applied_changed_, false))
      return;
    progress = applied_;
  }
  auto* list = rd_kafka_topic_partition_list_new(static_cast<int>(progress.size()));
  for (size_t i = 0; i < progress.size(); ++i)
    if (progress[i] >= 0)
      rd_kafka_topic_partition_list_add(list, config_.topic.c_str(), static_cast<int32_t>(i))
          ->offset = progress[i];
  rd_kafka_commit(client_.get(), list, 1);
  rd_kafka_topic_partition_list_destroy(list);
}

} // namespace footfall::kafka
