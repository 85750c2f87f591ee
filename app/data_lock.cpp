#include "app/data_lock.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/error.hpp"

namespace footfall::app {
namespace {

caf::error refused(const std::string& folder, const std::string& why) {
  return make_error(errc::invalid_argument, "data folder " + folder + " (data-dir): " + why);
}

/// Makes the folder when it is missing. @returns why it cannot be used.
std::string prepare(const std::string& folder) {
  std::error_code failed;
  auto parent = std::filesystem::path{folder}.parent_path();
  if (!parent.empty())
    std::filesystem::create_directories(parent, failed);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return std::string{"cannot be made: "} + std::strerror(errno);
  if (!std::filesystem::is_directory(folder, failed))
    return "is not a folder";
  if (::access(folder.c_str(), R_OK | W_OK | X_OK) != 0)
    return std::string{"cannot be written: "} + std::strerror(errno);
  return {};
}

std::string utc_now() {
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[32];
  ::gmtime_r(&now, &parts);
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

/// Who holds the lock, as it wrote: "process 12, started ...".
std::string holder(int file) {
  char text[128];
  auto size = ::pread(file, text, sizeof text, 0);
  std::string line{text, size > 0 ? static_cast<size_t>(size) : 0};
  line.resize(std::min(line.find('\n'), line.size()));
  // It writes just after it locked; we may read in between.
  return line.empty() ? "another process" : line;
}

std::string write_holder(int file) {
  auto line = "process " + std::to_string(::getpid()) + ", started " + utc_now() + "\n";
  if (::ftruncate(file, 0) != 0
      || ::pwrite(file, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size()))
    return std::string{"its lock file cannot be written: "} + std::strerror(errno);
  return {};
}

} // namespace

caf::error prepare_data_folder(const std::string& folder) {
  const auto why = prepare(folder);
  return why.empty() ? caf::error{} : refused(folder, why);
}

caf::expected<std::unique_ptr<data_lock>> data_lock::take(const std::string& folder) {
  if (auto bad = prepare_data_folder(folder))
    return bad;
  auto path = folder + "/lock";
  int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0)
    return refused(folder, std::string{"its lock file cannot be opened: "} + std::strerror(errno));
  std::unique_ptr<data_lock> lock{new data_lock{file}};
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return refused(folder,
                     "in use by " + holder(file) + "; stop that one or choose another folder");
    return refused(folder, std::string{"cannot be locked: "} + std::strerror(errno));
  }
  if (auto why = write_holder(file); !why.empty())
    return refused(folder, why);
  return lock;
}

data_lock::~data_lock() {
  ::close(file_);
}

} // namespace footfall::app
