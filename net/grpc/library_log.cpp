#include "net/grpc/library_log.hpp"

#include <chrono>
#include <mutex>

#include <grpc/support/log.h>

namespace footfall::rpc {

namespace {

constexpr auto report_every = std::chrono::seconds{10};

struct library_log {
  std::mutex mutex;
  std::function<void(const std::string&)> report;
  std::chrono::steady_clock::time_point told{};
  uint64_t kept_back = 0;
};

/// Never destroyed: threads of the library may end after everything else.
library_log& the_log() {
  static auto* const log = new library_log;
  return *log;
}

void take(gpr_log_func_args* x) {
  auto& log = the_log();
  std::lock_guard guard{log.mutex};
  const auto now = std::chrono::steady_clock::now();
  if (!log.report)
    return;
  if (log.told.time_since_epoch().count() != 0 && now - log.told < report_every) {
    ++log.kept_back;
    return;
  }
  log.told = now;
  std::string line = x->message;
  if (log.kept_back > 0)
    line += " (and " + std::to_string(log.kept_back) + " lines before it)";
  log.kept_back = 0;
  log.report(line);
}

} // namespace

void tell_library_log(std::function<void(const std::string&)> report) {
  auto& log = the_log();
  std::lock_guard guard{log.mutex};
  log.report = std::move(report);
  gpr_set_log_function(take);
}

} // namespace footfall::rpc
