#pragma once

#include "net/kafka/consumer.hpp"

namespace footfall::kafka {

/// Tells the node's health what the consumer's client sees.
class consumer::events final : public client_events {
public:
  events(const kafka_config& config, broker_health& health) : config_(config), health_(health) {}

  void on_error(rd_kafka_resp_err_t code, const char* reason) override {
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__AUTHENTICATION)
      health_.down(reason);
  }
  void on_log(const std::string& line) override {
    if (config_.report)
      config_.report(line);
  }

private:
  const kafka_config& config_;
  broker_health& health_;
};

} // namespace footfall::kafka
