#include <catch2/catch.hpp>

#include "net/kafka/client.hpp"

using Catch::Matchers::Contains;
using footfall::kafka::broker_health;

TEST_CASE("the word on all brokers does not hide the reason of one", "[contract][kafka_health]") {
  broker_health health{"b:1"};
  health.heed(RD_KAFKA_RESP_ERR__TRANSPORT, "b:1: Connection refused");
  CHECK(health.text() == "");
  health.heed(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "1/1 brokers are down");
  CHECK(health.text()
        == "no Kafka broker can be reached (KAFKA_BROKER = b:1): b:1: Connection refused");
  CHECK_FALSE(health.is_refused());
  health.up();
  CHECK(health.text() == "");
  health.heed(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "1/1 brokers are down");
  CHECK_THAT(health.text(), Contains("1/1 brokers are down"));
}

TEST_CASE("credentials are refused as long as no broker says something else",
          "[contract][kafka_health]") {
  broker_health health{"b:1"};
  health.heed(RD_KAFKA_RESP_ERR__AUTHENTICATION, "b:1: Invalid username or password");
  health.heed(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "1/1 brokers are down");
  health.heed(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "of a topic");
  CHECK(health.is_refused());
  CHECK_THAT(health.text(),
             Contains("does not take our credentials") && Contains("Invalid username or password"));
  // It ended in the middle of the talk.
  health.heed(RD_KAFKA_RESP_ERR__TRANSPORT, "b:1: Connection refused");
  CHECK_FALSE(health.is_refused());
  CHECK_THAT(health.text(), Contains("can be reached") && Contains("Connection refused"));
  health.heed(RD_KAFKA_RESP_ERR__AUTHENTICATION, "b:1: Invalid username or password");
  CHECK(health.is_refused());
  health.up();
  CHECK_FALSE(health.is_refused());
}
