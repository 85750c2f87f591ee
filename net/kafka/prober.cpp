#include "net/kafka/prober.hpp"

namespace footfall::kafka {

namespace {

using namespace std::chrono_literals;

constexpr auto ask_pause = 1s;
constexpr auto again_pause = 200ms;

// The kernel waits ever longer before it sends again what was lost, a new connection begins anew.
constexpr std::chrono::milliseconds patience = 2s;

} // namespace

caf::expected<std::unique_ptr<prober>> prober::open(const kafka_config& config) {
  std::unique_ptr<prober> out(new prober);
  auto client = make_client(RD_KAFKA_CONSUMER, config,
                            {{"allow.auto.create.topics", "false"},
                             {"socket.timeout.ms", milliseconds_text(patience)},
                             {"socket.connection.setup.timeout.ms", milliseconds_text(patience)},
                             {"socket.max.fails", "1"}},
                            *out);
  if (!client)
    return std::move(client.error());
  out->client_ = std::move(*client);
  auto topic = make_topic(out->client_.get(), config, {});
  if (!topic)
    return std::move(topic.error());
  out->topic_ = std::move(*topic);
  out->thread_ = std::thread([self = out.get()] { self->run(); });
  return out;
}

void prober::stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stops_.notify_one();
}

prober::~prober() {
  stop();
  if (thread_.joinable())
    thread_.join();
}

void prober::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    rd_kafka_poll(client_.get(), 0);
    const auto error = ask_topic(client_.get(), topic_.get(), patience.count()).error;
    if (!error)
      heard_us_ = steady_now();
    lock.lock();
    stops_.wait_for(lock, error ? again_pause : ask_pause, [this] { return stop_; });
  }
}

} // namespace footfall::kafka
