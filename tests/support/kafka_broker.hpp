#pragma once

#include <string>

namespace footfall::test {

/// A Kafka broker of its own, which a test may kill, freeze and start again. Its
/// files stand in a temporary folder that goes with it.
class kafka_broker {
public:
  /// Starts it; throws when that fails.
  kafka_broker();
  ~kafka_broker();
  kafka_broker(const kafka_broker&) = delete;
  kafka_broker& operator=(const kafka_broker&) = delete;

  const std::string& address() const { return address_; }
  void kill9() { run("kill9"); }
  /// Brings it back on the same port with the same data.
  void start() { run("start"); }
  void pause() { run("pause"); }
  void resume() { run("resume"); }

private:
  void run(const std::string& command);

  std::string folder_;
  std::string address_;
};

} // namespace footfall::test
