#include "net/cluster/resolve.hpp"

#include <cstring>
#include <system_error>
#include <thread>

#include <netdb.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

namespace footfall::cluster {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr size_t threads_most = 16;
constexpr size_t endpoints_most = 64;

} // namespace

std::string find_now(const std::string& host, uint16_t port, resolver::endpoints& found) {
  found.clear();
  boost::system::error_code none;
  if (const auto address = asio::ip::make_address(host, none); !none) {
    found.emplace_back(address, port);
    return {};
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* first = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &first); code != 0)
    return ::gai_strerror(code);
  for (const auto* x = first; x && found.size() < endpoints_most; x = x->ai_next) {
    if (x->ai_family != AF_INET && x->ai_family != AF_INET6)
      continue;
    tcp::endpoint one;
    one.resize(x->ai_addrlen);
    std::memcpy(one.data(), x->ai_addr, x->ai_addrlen);
    one.port(port);
    found.push_back(one);
  }
  ::freeaddrinfo(first);
  return found.empty() ? "it has no address" : "";
}

resolver::~resolver() {
  std::lock_guard guard{shared_->mutex};
  shared_->io = nullptr;
}

void resolver::find(const std::string& host, uint16_t port, done_fn done) {
  boost::system::error_code none;
  if (const auto address = asio::ip::make_address(host, none); !none)
    return done({}, {tcp::endpoint{address, port}});
  if (shared_->threads.fetch_add(1) >= threads_most) {
    --shared_->threads;
    return done("too many names are being looked up", {});
  }
  auto look_up = [shared = shared_, host, port, done]() mutable {
    endpoints found;
    auto why = find_now(host, port, found);
    std::lock_guard guard{shared->mutex};
    --shared->threads;
    if (shared->io)
      asio::post(*shared->io, [done = std::move(done), why = std::move(why),
                               found = std::move(found)] { done(why, found); });
  };
  try {
    std::thread{std::move(look_up)}.detach();
  } catch (const std::system_error& failed) {
    --shared_->threads;
    done(failed.what(), {});
  }
}

} // namespace footfall::cluster
