#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/import/byte_source.hpp"

namespace footfall::app {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds idle_after{100};
/// A writer may have lines for the old file while it opens the new one.
constexpr milliseconds last_words{300};
constexpr size_t head_bytes = 256;

class descriptor {
public:
  descriptor() = default;
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ > STDIN_FILENO)
      ::close(fd_);
  }
  int get() const noexcept { return fd_; }

private:
  int fd_ = -1;
};

bool is_folder(const struct stat& about, std::string& why) {
  if (S_ISDIR(about.st_mode))
    why = std::strerror(EISDIR);
  return S_ISDIR(about.st_mode);
}

/// -1 and `why` filled when it is nothing to read from.
descriptor open_to_read(const std::string& path, std::string& why, struct stat& about) {
  descriptor out{path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (out.get() < 0 || ::fstat(out.get(), &about) != 0) {
    why = std::strerror(errno);
    return {};
  }
  if (is_folder(about, why))
    return {};
  return out;
}

class whole_file final : public byte_source {
public:
  whole_file(descriptor file, const struct stat& about) : file_(std::move(file)) {
    is_regular_ = S_ISREG(about.st_mode);
    if (is_regular_)
      total_ = static_cast<uint64_t>(about.st_size);
  }

  read_state read(char* to, size_t room, size_t& got) override {
    if (!is_regular_) {
      pollfd wanted{file_.get(), POLLIN, 0};
      // A signal ends the waiting too: whoever asks looks at what it said.
      if (::poll(&wanted, 1, static_cast<int>(idle_after.count())) <= 0)
        return read_state::idle;
    }
    const auto n = ::read(file_.get(), to, room);
    if (n < 0)
      return errno == EINTR || errno == EAGAIN ? read_state::idle : fail(std::strerror(errno));
    got = static_cast<size_t>(n);
    read_ += got;
    return n == 0 ? read_state::end : read_state::data;
  }

  uint64_t bytes_read() const noexcept override { return read_; }
  uint64_t bytes_total() const noexcept override { return total_; }

private:
  descriptor file_;
  bool is_regular_ = false;
  uint64_t read_ = 0;
  uint64_t total_ = 0;
};

class growing_file final : public byte_source {
public:
  growing_file(std::string path, descriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}

  read_state read(char* to, size_t room, size_t& got) override {
    if (was_idle_)
      std::this_thread::sleep_for(idle_after);
    was_idle_ = false;
    const auto n = ::read(file_.get(), to, room);
    if (n < 0)
      return errno == EINTR ? read_state::idle : fail(std::strerror(errno));
    if (n > 0) {
      got = static_cast<size_t>(n);
      head_.append(to, std::min(got, head_bytes - std::min(head_bytes, head_.size())));
      at_ += n;
      read_ += got;
      moved_since_ = {};
      return read_state::data;
    }
    if (was_cut_back() || was_replaced()) {
      head_.clear();
      at_ = 0;
      moved_since_ = {};
      return read_state::renewed;
    }
    was_idle_ = true;
    return read_state::idle;
  }

  uint64_t bytes_read() const noexcept override { return read_; }
  uint64_t bytes_total() const noexcept override { return 0; }

private:
  /// The same file has become shorter, or begins with other bytes than it did.
  bool was_cut_back() {
    struct stat about {};
    if (::fstat(file_.get(), &about) != 0)
      return false;
    std::string head(head_.size(), '\0');
    const bool shorter = about.st_size < at_;
    if (!shorter
        && (::pread(file_.get(), head.data(), head.size(), 0) != static_cast<ssize_t>(head.size())
            || head == head_))
      return false;
    ::lseek(file_.get(), 0, SEEK_SET);
    return true;
  }

  /// Another file has the name, has begun, and the old one is read to its end.
  bool was_replaced() {
    struct stat named {
    }, own{};
    if (::stat(path_.c_str(), &named) != 0 || ::fstat(file_.get(), &own) != 0
        || (named.st_ino == own.st_ino && named.st_dev == own.st_dev) || named.st_size == 0)
      return false;
    const auto now = steady_clock::now();
    if (moved_since_ == steady_clock::time_point{})
      moved_since_ = now;
    if (now - moved_since_ < last_words)
      return false;
    std::string why;
    auto next = open_to_read(path_, why, named);
    if (next.get() < 0)
      return false;
    file_ = std::move(next);
    return true;
  }

  std::string path_;
  descriptor file_;
  std::string head_; ///< The first bytes, which tell whether it is still the same log.
  off_t at_ = 0;
  uint64_t read_ = 0;
  bool was_idle_ = false;
  steady_clock::time_point moved_since_{};
};

} // namespace

bool can_read(const std::string& path, uint64_t& bytes, std::string& why) {
  struct stat about {};
  const bool is_there = path == "-"
                            ? ::fstat(STDIN_FILENO, &about) == 0
                            : ::stat(path.c_str(), &about) == 0
                                  && ::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) == 0;
  if (!is_there)
    why = std::strerror(errno);
  bytes = S_ISREG(about.st_mode) ? static_cast<uint64_t>(about.st_size) : 0;
  return is_there && !is_folder(about, why);
}

std::unique_ptr<byte_source> open_file(const std::string& path, std::string& why) {
  struct stat about {};
  auto file = open_to_read(path, why, about);
  return file.get() < 0 ? nullptr : std::make_unique<whole_file>(std::move(file), about);
}

std::unique_ptr<byte_source> follow_file(const std::string& path, std::string& why) {
  struct stat about {};
  auto file = open_to_read(path, why, about);
  if (file.get() < 0)
    return nullptr;
  if (!S_ISREG(about.st_mode)) {
    why = "only a regular file can be followed; standard input is read as it comes anyway";
    return nullptr;
  }
  return std::make_unique<growing_file>(path, std::move(file));
}

} // namespace footfall::app
