#include "net/kafka/producer.hpp"

#include <utility>

#include "net/kafka/producer_client.hpp"
#include "proto/seeded_bug.hpp"

namespace footfall::kafka {

namespace {

using namespace std::chrono_literals;

// What a record costs beside its key and value: librdkafka's message, its header,
// our outcome and slot.
constexpr size_t record_overhead = 400;

// Below librdkafka's message.max.bytes (1,000,000) with key and header.
constexpr size_t record_bytes_max = 900'000;

// How long the old producer may take to report what it gave up.
constexpr auto retire_limit = 5s;

// A bunch follows the one before when that is confirmed, or after so long: one
// partition may be without a leader while the others are well.
constexpr auto unconfirmed_limit = 50ms;

int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

} // namespace

producer::producer(const kafka_config& config, uint32_t partitions, broker_health& health)
    : config_(config), partitions_(partitions), health_(health) {}

caf::expected<std::unique_ptr<producer>>
producer::open(const kafka_config& config, uint32_t partitions, broker_health& health) {
  std::unique_ptr<producer> out(new producer(config, partitions, health));
  if (auto err = out->start_client())
    return err;
  out->thread_ = std::thread([self = out.get()] { self->run(); });
  return out;
}

producer::~producer() {
  stop_ = true;
  signal_.notify();
  if (thread_.joinable())
    thread_.join();
}

caf::error producer::start_client() {
  auto fresh = std::make_unique<producer_client>(*this);
  if (auto err = fresh->start())
    return err;
  retired_ = std::exchange(current_, std::move(fresh));
  return caf::none;
}

bool producer::admit(size_t records, size_t bytes) {
  if (open_records_ == 0)
    waiting_since_ms_ = steady_ms();
  auto all_records = open_records_.fetch_add(records) + records;
  auto all_bytes = open_bytes_.fetch_add(bytes) + bytes;
  if (all_records <= config_.append_records_max && all_bytes <= config_.append_bytes_max)
    return true;
  open_records_ -= records;
  open_bytes_ -= bytes;
  return false;
}

void producer::release(size_t records, size_t bytes) {
  open_records_ -= records;
  open_bytes_ -= bytes;
}

void producer::confirmed() {
  waiting_since_ms_ = steady_ms();
  health_.up();
}

bool producer::fits(const std::vector<log_record>& batch) const {
  for (const auto& record : batch)
    if (record.partition >= partitions_
        || record.key.size() + record.value.size() > record_bytes_max)
      return false;
  return true;
}

void producer::append(std::vector<log_record> batch, event_log::append_done done) {
  auto append = std::make_unique<open_append>();
  for (const auto& record : batch)
    append->bytes += record.key.size() + record.value.size() + record_overhead;
  auto refusal = errc::none;
  if (!fits(batch))
    refusal = errc::invalid_argument;
  else if (!admit(batch.size(), append->bytes))
    refusal = errc::overloaded;
  if (refusal != errc::none || batch.empty()) {
    append_outcome none;
    none.status = outcome::rejected;
    none.code = refusal;
    return answer([outcomes = std::vector<append_outcome>(batch.size(), none),
                   done = std::move(done)] { done(outcomes); });
  }
  append->records = std::move(batch);
  append->done = std::move(done);
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    first = waiting_.empty();
    waiting_.push_back(std::move(append));
  }
  if (first)
    signal_.notify();
}

// Hands over what waits, unless it is too soon. @returns how long to sleep at most.
std::chrono::microseconds producer::hand_over() {
  std::vector<std::unique_ptr<open_append>> ready;
  {
    std::lock_guard lock(mutex_);
    if (waiting_.empty())
      return 200ms;
    const auto now = steady::now();
    const auto due = handed_over_ + (current_->idle() ? config_.linger : unconfirmed_limit);
    if (now < due)
      return std::chrono::ceil<std::chrono::microseconds>(due - now);
    handed_over_ = now;
    ready.swap(waiting_);
  }
  for (auto& append : ready)
    current_->send(std::move(append));
  return 200ms;
}

void producer::answer(std::function<void()> call) {
  {
    std::lock_guard lock(mutex_);
    answers_.push_back(std::move(call));
  }
  signal_.notify();
}

void producer::run_answers() {
  std::deque<std::function<void()>> calls;
  {
    std::lock_guard lock(mutex_);
    calls.swap(answers_);
  }
  for (auto& call : calls)
    call();
}

std::string producer::health() const {
  if (open_records_ == 0)
    return {};
  auto waited = steady_ms() - waiting_since_ms_;
  if (waited < config_.stalled_after.count())
    return {};
  return "Kafka has not confirmed an append for " + std::to_string(waited / 1000) + " s";
}

void producer::run() {
  while (!stop_) {
    signal_.wait_for(hand_over());
    current_->poll();
    if (retired_)
      retire(false);
    run_answers();
    if (auto now = steady::now(); now >= next_tick_) {
      next_tick_ = now + 1s;
      tick();
    } else if (current_->fatal() && !retired_) {
      tick();
    }
  }
  close();
}

void producer::tick() {
  if (current_->fatal() && !retired_) {
    if (!start_client()) { // none: it worked
      retired_at_ = steady::now();
      retired_->purge();
    }
  }
  // Nobody tells that a broker is back while nothing is sent.
  if (health_.is_down() && current_->probe(500ms))
    health_.up();
}

void producer::retire(bool by_force) {
  retired_->poll();
  if (by_force || retired_->idle() || steady::now() > retired_at_ + retire_limit)
    retired_.reset();
}

void producer::close() {
  auto serve = [this](std::chrono::milliseconds most) {
    auto until = steady::now() + most;
    while (!current_->idle() && steady::now() < until) {
      signal_.wait_for(20ms);
      current_->poll();
    }
  };
  handed_over_ = {};
  hand_over();
  if (!health_.is_down() && !current_->fatal() && !seeded_bug("no-drain-flush"))
    serve(config_.close_timeout);
  current_->purge();
  serve(1s);
  if (retired_)
    retire(true);
  current_.reset();
  run_answers();
}

} // namespace footfall::kafka
