#pragma once

#include <memory>
#include <string>

#include <caf/expected.hpp>

namespace footfall::app {

/// The addresses that a node really listens on, "host:port" each; empty: it does not.
struct ready_addresses {
  std::string ingest;
  std::string query;
  std::string grpc;
  std::string admin;
};

/// The file that says "ready": JSON with pid, version and addresses. It appears
/// whole, by rename, and is gone after a clean end.
class ready_file {
public:
  /// @returns errc::invalid_argument when the file cannot be written.
  static caf::expected<std::unique_ptr<ready_file>> write(const std::string& path,
                                                          const ready_addresses& addresses);

  /// Removes the file, unless another process wrote its own there meanwhile.
  ~ready_file();
  ready_file(const ready_file&) = delete;
  ready_file& operator=(const ready_file&) = delete;

private:
  ready_file(std::string path, std::string text);
  std::string path_;
  std::string text_;
};

} // namespace footfall::app
