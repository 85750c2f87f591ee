#pragma once

#include <string>

namespace footfall::test {

/// A PostgreSQL server of its own, which a test may kill and start again. Its files stand in
/// a temporary folder that goes with it.
class postgres_server {
public:
  /// Starts it; throws when that fails.
  postgres_server();
  ~postgres_server();
  postgres_server(const postgres_server&) = delete;
  postgres_server& operator=(const postgres_server&) = delete;

  /// A libpq URL of a role that may do all.
  const std::string& url() const { return url_; }
  void kill9() { run("kill9"); }
  /// Brings it back on the same port with the same data.
  void start() { run("start"); }

private:
  void run(const std::string& command);

  std::string folder_;
  std::string url_;
};

} // namespace footfall::test
