#include "tests/support/kafka_broker.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace footfall::test {

kafka_broker::kafka_broker() {
  auto name = (std::filesystem::temp_directory_path() / "footfall-kafka-XXXXXX").string();
  if (!mkdtemp(name.data()))
    throw std::runtime_error("no temporary folder " + name);
  folder_ = name;
  run("start");
  int port = 0;
  std::ifstream(folder_ + "/kafka/port") >> port;
  address_ = "127.0.0.1:" + std::to_string(port);
}

kafka_broker::~kafka_broker() {
  std::system((FOOTFALL_SERVICES " wipe '" + folder_ + "' kafka >/dev/null 2>&1").c_str());
}

void kafka_broker::run(const std::string& command) {
  auto line = FOOTFALL_SERVICES " " + command + " '" + folder_ + "' kafka >/dev/null";
  if (std::system(line.c_str()) != 0)
    throw std::runtime_error("failed: " + line);
}

} // namespace footfall::test
