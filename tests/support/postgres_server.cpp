#include "tests/support/postgres_server.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace footfall::test {

postgres_server::postgres_server() {
  auto name = (std::filesystem::temp_directory_path() / "footfall-postgres-XXXXXX").string();
  if (!mkdtemp(name.data()))
    throw std::runtime_error("no temporary folder " + name);
  folder_ = name;
  run("start");
  int port = 0;
  std::ifstream(folder_ + "/postgres/port") >> port;
  std::string password;
  std::ifstream(folder_ + "/postgres/password") >> password;
  url_ = "postgresql://footfall:" + password + "@127.0.0.1:" + std::to_string(port) + "/footfall";
}

postgres_server::~postgres_server() {
  std::system((FOOTFALL_SERVICES " wipe '" + folder_ + "' postgres >/dev/null 2>&1").c_str());
}

void postgres_server::run(const std::string& command) {
  auto line = FOOTFALL_SERVICES " " + command + " '" + folder_ + "' postgres >/dev/null";
  if (std::system(line.c_str()) != 0)
    throw std::runtime_error("failed: " + line);
}

} // namespace footfall::test
