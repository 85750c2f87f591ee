#include "app/service_manager.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace footfall::app {

namespace {

/// False: it may be tried again.
bool send_to(std::string_view path, std::string_view state) noexcept {
  sockaddr_un to{};
  if (path.empty() || (path[0] != '/' && path[0] != '@') || path.size() >= sizeof to.sun_path)
    return true;
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, path.data(), path.size());
  if (path[0] == '@') // A name without a file.
    to.sun_path[0] = '\0';
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return false;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  const auto sent = ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                             reinterpret_cast<const sockaddr*>(&to), size);
  ::close(fd);
  return sent >= 0;
}

} // namespace

void service_manager::waits(const std::string& why) {
  auto status = "STATUS=not ready yet: " + why;
  std::replace(status.begin(), status.end(), '\n', ' '); // A line is a setting of its own.
  if (std::chrono::steady_clock::now() - began_ >= patience)
    status += "\nREADY=1";
  tell(status);
}

void service_manager::is_ready() {
  tell("STATUS=ready\nREADY=1");
}

void service_manager::ends() {
  tell("STATUS=draining\nSTOPPING=1");
}

void service_manager::tell(const std::string& state) {
  if (state == told_)
    return;
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (!path || send_to(path, state)) // It may have no room at a machine's start.
    told_ = state;
}

} // namespace footfall::app
