#include "net/grpc/acceptor.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <grpcpp/server_builder.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/error.hpp"

namespace footfall::rpc {

namespace {

constexpr int pause_ms = 20;
constexpr int user_timeout_ms = 20'000; ///< As gRPC's own listener: with its keep-alive.

int open_reserve() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/// A listening socket at the first address of `name`, or -1.
int listen_at(std::string name, uint16_t port) {
  if (name.size() > 2 && name.front() == '[' && name.back() == ']')
    name = name.substr(1, name.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
    return -1;
  int out = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  // Accepted sockets have the last two from their listener.
  const bool good =
      out >= 0 && ::setsockopt(out, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0
      && ::setsockopt(out, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0
      && ::setsockopt(out, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof user_timeout_ms)
             == 0
      && ::bind(out, found->ai_addr, found->ai_addrlen) == 0 && ::listen(out, SOMAXCONN) == 0;
  ::freeaddrinfo(found);
  if (!good && out >= 0)
    ::close(std::exchange(out, -1));
  return out;
}

uint16_t port_of(int socket) {
  sockaddr_storage where{};
  socklen_t size = sizeof where;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&where), &size) != 0)
    return 0;
  return ntohs(where.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&where)->sin6_port
                                           : reinterpret_cast<sockaddr_in*>(&where)->sin_port);
}

ino_t inode_of(int descriptor) {
  struct stat state {};
  return ::fstat(descriptor, &state) == 0 && S_ISSOCK(state.st_mode) ? state.st_ino : 0;
}

} // namespace

caf::expected<std::unique_ptr<acceptor>> acceptor::open(const std::string& bind, uint16_t port) {
  std::unique_ptr<acceptor> out{new acceptor};
  out->listener_ = listen_at(bind, port);
  out->wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (out->listener_ >= 0)
    out->port_ = port_of(out->listener_);
  if (out->port_ == 0 || out->wake_ < 0)
    return make_error(errc::invalid_argument,
                      "gRPC cannot listen on " + bind + ':' + std::to_string(port)
                          + "; is the port taken, or the address not of this machine?");
  out->reserve_ = open_reserve();
  return out;
}

acceptor::~acceptor() {
  stop();
  for (const int x : {listener_, wake_, reserve_})
    if (x >= 0)
      ::close(x);
}

void acceptor::start(grpc::experimental::ExternalConnectionAcceptor* target, uint32_t most,
                     metrics& counters) {
  target_ = target;
  most_ = most;
  counters_ = &counters;
  thread_ = std::thread{[this] { run(); }};
}

void acceptor::stop() {
  if (!thread_.joinable())
    return;
  ::eventfd_write(wake_, 1);
  thread_.join();
  ::close(std::exchange(listener_, -1));
}

void acceptor::run() {
  while (true) {
    pollfd both[] = {{listener_, POLLIN, 0}, {wake_, POLLIN, 0}};
    ::poll(both, 2, -1);
    if (both[1].revents != 0)
      return;
    if (both[0].revents != 0)
      take();
  }
}

void acceptor::take() {
  const int got = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (got < 0) {
    if (errno == EMFILE || errno == ENFILE)
      refuse_one();
    else if (errno == ENOBUFS || errno == ENOMEM)
      ::poll(nullptr, 0, pause_ms);
    return;
  }
  if (!has_room()) {
    // Without a word: a client that gets an answer takes the connection for a good one
    // and tries again at once.
    add(counters_->grpc_connections_refused);
    ::close(got);
    return;
  }
  open_.emplace_back(got, inode_of(got));
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters one;
  one.listener_fd = listener_;
  one.fd = got;
  target_->HandleNewConnection(&one);
}

/// Out of descriptors: what waits in the kernel would keep the loop turning.
void acceptor::refuse_one() {
  add(counters_->grpc_connections_refused);
  if (reserve_ >= 0)
    ::close(reserve_);
  const int waiting = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (waiting >= 0)
    ::close(waiting);
  reserve_ = open_reserve();
  ::poll(nullptr, 0, pause_ms);
}

bool acceptor::has_room() {
  if (open_.size() < most_)
    return true;
  std::erase_if(open_, [](const auto& x) { return inode_of(x.first) != x.second; });
  return open_.size() < most_;
}

} // namespace footfall::rpc
