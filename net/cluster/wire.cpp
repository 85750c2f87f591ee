#include "net/cluster/wire.hpp"

#include <netinet/tcp.h>

namespace footfall::cluster {

namespace {

constexpr int idle_s = 5; ///< Without a byte, then the kernel asks whether the host is there,
constexpr int asks = 3;   ///< as often, once in
constexpr int ask_s = 2;

} // namespace

void tune(tcp::socket& socket, std::chrono::milliseconds unsent) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  const int handle = socket.native_handle();
  ::setsockopt(handle, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  ::setsockopt(handle, IPPROTO_TCP, TCP_KEEPCNT, &asks, sizeof asks);
  ::setsockopt(handle, IPPROTO_TCP, TCP_KEEPINTVL, &ask_s, sizeof ask_s);
  const auto unsent_ms = static_cast<unsigned>(unsent.count());
  ::setsockopt(handle, IPPROTO_TCP, TCP_USER_TIMEOUT, &unsent_ms, sizeof unsent_ms);
}

std::string text_of(const tcp::endpoint& x) {
  const auto address = x.address().to_string();
  return (x.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(x.port());
}

} // namespace footfall::cluster
