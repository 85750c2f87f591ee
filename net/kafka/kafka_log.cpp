#include "net/kafka/kafka_log.hpp"

#include <algorithm>

#include "net/kafka/client.hpp"
#include "net/kafka/consumer.hpp"
#include "net/kafka/onlooker.hpp"
#include "net/kafka/prober.hpp"
#include "net/kafka/producer.hpp"
#include "net/kafka/topic.hpp"

namespace footfall {

kafka_log::kafka_log(kafka_config config)
    : config_(std::move(config)), health_(std::make_unique<kafka::broker_health>(config_.brokers)) {
}

caf::expected<std::unique_ptr<event_log>> kafka_log::open(kafka_config config) {
  std::unique_ptr<kafka_log> out(new kafka_log(std::move(config)));
  auto found = kafka::ensure_topic(out->config_, *out->health_);
  if (!found)
    return std::move(found.error());
  out->partitions_ = found->partitions;
  auto consumer = kafka::consumer::open(out->config_, out->partitions_, *out->health_);
  if (!consumer)
    return std::move(consumer.error());
  out->consumer_ = std::move(*consumer);
  auto onlooker = kafka::onlooker::open(
      out->config_, *out->health_,
      [consumer = out->consumer_.get()](uint32_t partitions) { consumer->found(partitions); });
  if (!onlooker)
    return std::move(onlooker.error());
  out->onlooker_ = std::move(*onlooker);
  auto prober = kafka::prober::open(out->config_);
  if (!prober)
    return std::move(prober.error());
  out->prober_ = std::move(*prober);
  auto producer = kafka::producer::open(out->config_, *found, *out->health_);
  if (!producer)
    return std::move(producer.error());
  out->producer_ = std::move(*producer);
  return std::unique_ptr<event_log>(std::move(out));
}

// Appends are confirmed first, while both clients still work. Their callbacks may append more:
// the producer stays until nobody is left who could.
kafka_log::~kafka_log() {
  if (prober_)
    prober_->stop();
  if (producer_)
    producer_->stop();
  prober_.reset();
  onlooker_.reset();
  consumer_.reset();
}

uint32_t kafka_log::partitions_found() const {
  return consumer_->partitions();
}

void kafka_log::append(std::vector<log_record> batch, append_done done) {
  producer_->append(std::move(batch), std::move(done));
}

void kafka_log::fetch(uint32_t partition, int64_t from, fetch_limits most, fetch_done done) {
  consumer_->fetch(partition, from, most, std::move(done));
}

void kafka_log::look(uint32_t partition, int64_t offset, look_done done) {
  if (partition >= partitions_found())
    return done(make_error(errc::invalid_argument, "no such partition"));
  onlooker_->look(partition, offset, std::move(done));
}

void kafka_log::applied(uint32_t partition, int64_t below) {
  consumer_->applied(partition, below);
}

void kafka_log::close(uint32_t partition) {
  consumer_->close(partition);
}

std::optional<int64_t> kafka_log::heard_us() const {
  // Some of the connections may stand still where packets are lost.
  return std::max({onlooker_->heard_us(), consumer_->heard_us(), prober_->heard_us()});
}

std::string kafka_log::health() const {
  auto out = health_->text();
  if (out.empty())
    out = producer_->health();
  if (out.empty())
    out = consumer_->health();
  if (out.empty())
    out = onlooker_->health();
  return out;
}

} // namespace footfall
