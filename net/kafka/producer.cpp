#include "net/kafka/producer.hpp"

#include <algorithm>
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
constexpr size_t batch_bytes_most = 1'000'000;

// What a batch of one record has beside its key and value, at least.
constexpr size_t batch_overhead = 100;

constexpr auto limit_read_every = 30s;
constexpr int limit_answer_ms = 5'000;

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

size_t bytes_of(const log_record& record) {
  return record.key.size() + record.value.size() + batch_overhead;
}

size_t batch_bytes_for(size_t limit) {
  return limit == 0 ? batch_bytes_most : std::min(limit, batch_bytes_most);
}

} // namespace

producer::producer(const kafka_config& config, const topic_found& topic, broker_health& health)
    : config_(config), partitions_(topic.partitions), health_(health),
      limit_(topic.message_bytes_max), is_told_(limit_ > 0) {}

caf::expected<std::unique_ptr<producer>>
producer::open(const kafka_config& config, const topic_found& topic, broker_health& health) {
  std::unique_ptr<producer> out(new producer(config, topic, health));
  out->next_ask_ = steady::now() + limit_read_every;
  if (auto err = out->start_client(batch_bytes_for(topic.message_bytes_max)))
    return err;
  out->thread_ = std::thread([self = out.get()] { self->run(); });
  return out;
}

producer::~producer() {
  stop();
}

void producer::stop() {
  stopping_ = true;
  signal_.notify();
  if (thread_.joinable())
    thread_.join();
}

caf::error producer::start_client(size_t batch_bytes) {
  auto fresh = std::make_unique<producer_client>(*this, batch_bytes);
  if (auto err = fresh->start())
    return err;
  query_ = {}; // It belongs to the old client.
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
    if (record.partition >= partitions_)
      return false;
  return true;
}

bool producer::is_too_large(const log_record& record) const {
  const auto bytes = bytes_of(record);
  return bytes > record_bytes_max || (limit_ > 0 && bytes > limit_);
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
                   done = std::move(done)]() mutable { done(std::move(outcomes)); });
  }
  append->records = std::move(batch);
  append->done = std::move(done);
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    if (!closed_) {
      first = waiting_.empty();
      waiting_.push_back(std::move(append));
    }
  }
  if (append)
    return refuse(std::move(append));
  if (first)
    signal_.notify();
}

void producer::refuse(std::unique_ptr<open_append> append) {
  append_outcome closed;
  closed.status = outcome::rejected;
  closed.code = errc::shutting_down;
  append->outcomes.assign(append->records.size(), closed);
  finish(std::move(append));
}

// When what waits may go: with nothing on its way at once, or after many clients a moment later, as
// a request to a broker costs nearly the same whatever is in it.
producer::steady::time_point producer::due() const {
  if (!current_->idle())
    return handed_over_ + unconfirmed_limit;
  return bunch_records_ < config_.linger_from ? handed_over_ : handed_over_ + config_.linger;
}

// Hands over what waits, unless it is too soon. @returns how long to sleep at most.
std::chrono::microseconds producer::hand_over() {
  std::vector<std::unique_ptr<open_append>> ready;
  {
    std::lock_guard lock(mutex_);
    if (waiting_.empty())
      return 200ms;
    const auto now = steady::now();
    if (const auto at = due(); now < at)
      return std::chrono::ceil<std::chrono::microseconds>(at - now);
    handed_over_ = now;
    ready.swap(waiting_);
  }
  bunch_records_ = 0;
  for (auto& append : ready) {
    bunch_records_ += append->records.size();
    current_->send(std::move(append));
  }
  return 200ms;
}

void producer::answer(std::function<void()> call) {
  {
    std::lock_guard lock(mutex_);
    if (!closed_) {
      answers_.push_back(std::move(call));
      call = nullptr;
    }
  }
  if (call)
    return call();
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

// All records of the append are reported.
void producer::settle(std::unique_ptr<open_append> append, size_t batch_bytes) {
  bool again = false;
  for (size_t i = 0; i < append->records.size() && !again; ++i)
    again = append->is_refused(i) && !is_too_large(append->records[i]);
  if (!again)
    return finish(std::move(append));
  append->refused_at = batch_bytes;
  append->refused_when = steady::now();
  refused_.push_back(std::move(append));
  signal_.notify();
}

void producer::finish(std::unique_ptr<open_append> append) {
  release(append->records.size(), append->bytes);
  append->done(std::move(append->outcomes));
}

void producer::watch_limit() {
  if (query_.is_open()) {
    if (auto told = query_.answer(0))
      take_limit(told->message_bytes_max);
    return;
  }
  const auto now = steady::now();
  const bool is_due = now >= next_ask_;
  if ((refused_.empty() || retired_) && !is_due)
    return;
  asked_at_ = now;
  if (!is_told_ && !is_due)
    return take_limit(0); // Who did not tell it just now will not tell it for each batch.
  next_ask_ = now + limit_read_every;
  query_.ask(current_->handle(), config_.topic, limit_answer_ms,
             new_queue(current_->handle(), signal_));
}

void producer::take_limit(size_t limit) {
  is_told_ = limit > 0;
  if (is_told_)
    limit_ = limit;
  const auto asked_at = asked_at_;
  const auto allowed = is_told_ ? batch_bytes_for(limit_) : current_->batch_bytes();
  const auto wanted = std::min(allowed, settle_refused(asked_at));
  if (wanted != current_->batch_bytes()) {
    if (retired_ || start_client(wanted))
      return; // Later: what was refused is looked at again.
    retired_until_ = steady::now() + config_.message_timeout + retire_limit;
  }
  for (auto& append : std::exchange(refused_, {}))
    if (append->refused_when <= asked_at)
      current_->send(std::move(append));
    else
      refused_.push_back(std::move(append));
}

// A record that was refused although its batch had no room for another one is refused for
// good, unless less is known to be allowed by now. @returns how large the batches of the
// others may be.
size_t producer::settle_refused(steady::time_point asked_at) {
  auto out = batch_bytes_most;
  for (auto& append : std::exchange(refused_, {})) {
    const auto size = append->refused_at;
    const bool is_early = append->refused_when > asked_at;
    const bool is_less_allowed = limit_ > 0 && limit_ < size;
    bool again = is_early || is_less_allowed;
    for (size_t i = 0; i < append->records.size() && !again; ++i)
      again = append->is_refused(i) && bytes_of(append->records[i]) + batch_overhead <= size;
    if (!again) {
      finish(std::move(append));
      continue;
    }
    if (!is_early && !is_less_allowed) // Nobody tells how much is right.
      out = std::min(out, size / 2);
    refused_.push_back(std::move(append));
  }
  return out;
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
  while (!stopping_) {
    signal_.wait_for(hand_over());
    current_->poll();
    if (retired_)
      retire(false);
    watch_limit();
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
  if (current_->fatal() && retired_ && !retired_->fatal())
    retire(true);
  if (current_->fatal() && !retired_) {
    if (!start_client(current_->batch_bytes())) { // none: it worked
      retired_until_ = steady::now() + retire_limit;
      retired_->purge();
    }
  }
  // Nobody tells that a broker is back while nothing is sent.
  if (health_.is_down() && current_->probe(500ms))
    health_.up();
}

void producer::retire(bool by_force) {
  retired_->poll();
  if (by_force || retired_->idle() || steady::now() > retired_until_)
    retired_.reset();
}

// What callbacks append from here on would be sent by nobody.
void producer::hand_over_the_last() {
  std::vector<std::unique_ptr<open_append>> ready;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    ready.swap(waiting_);
  }
  for (auto& append : ready)
    current_->send(std::move(append));
}

void producer::close() {
  auto serve = [this](std::chrono::milliseconds most) {
    auto until = steady::now() + most;
    while ((!current_->idle() || (retired_ && !retired_->idle())) && steady::now() < until) {
      signal_.wait_for(20ms);
      current_->poll();
      if (retired_)
        retired_->poll();
    }
  };
  hand_over_the_last();
  if (!health_.is_down() && !current_->fatal() && !seeded_bug("no-drain-flush"))
    serve(config_.close_timeout);
  current_->purge();
  serve(1s);
  if (retired_)
    retire(true);
  query_ = {};
  current_.reset();
  for (auto& append : std::exchange(refused_, {})) {
    for (size_t i = 0; i < append->records.size(); ++i)
      if (append->is_refused(i)) // Not stored, and what would have become of it is not known.
        append->outcomes[i].code = errc::shutting_down;
    finish(std::move(append));
  }
  run_answers();
}

} // namespace footfall::kafka
