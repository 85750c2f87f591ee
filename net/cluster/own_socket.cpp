#include "net/cluster/own_socket.hpp"

#include <cstdlib>
#include <memory>

#include <dirent.h>
#include <sys/socket.h>

namespace footfall::cluster {

namespace {

using boost::asio::ip::tcp;

/// @param name ::getsockname or ::getpeername
template <class Name>
bool is(int handle, Name name, const tcp::endpoint& wanted) {
  tcp::endpoint found;
  auto size = static_cast<socklen_t>(found.capacity());
  if (name(handle, found.data(), &size) != 0 || size > found.capacity())
    return false;
  const int family = found.data()->sa_family;
  return (family == AF_INET || family == AF_INET6) && found == wanted;
}

} // namespace

bool is_own_socket(const tcp::endpoint& from, const tcp::endpoint& to) {
  const std::unique_ptr<DIR, int (*)(DIR*)> all{::opendir("/proc/self/fd"), ::closedir};
  if (!all)
    return false;
  while (const auto* entry = ::readdir(all.get())) {
    char* end = nullptr;
    const auto handle = static_cast<int>(std::strtol(entry->d_name, &end, 10));
    if (end != entry->d_name && is(handle, ::getsockname, from) && is(handle, ::getpeername, to))
      return true;
  }
  return false;
}

} // namespace footfall::cluster
