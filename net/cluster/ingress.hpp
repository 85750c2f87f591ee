#pragma once

#include <array>
#include <chrono>
#include <list>
#include <memory>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <caf/error.hpp>

#include "net/cluster/wire.hpp"

namespace footfall::cluster {

class incoming;
class engine;

/// So many at once, and so many a second in the long run.
class allowance {
public:
  using clock = std::chrono::steady_clock;
  bool take(clock::time_point now, double a_second, double burst);

private:
  bool used_ = false;
  double left_ = 0;
  clock::time_point at_{};
};

/// The port where other hosts come in. Takes connections at a bounded pace, and keeps few of
/// them that are no links yet.
class ingress {
public:
  explicit ingress(engine& owner);
  ~ingress();

  /// Begins to listen; connections are taken once the context runs.
  caf::error open();
  uint16_t port() const { return port_; }

  /// Whether a connection from there may begin TLS now, which costs time.
  bool may_begin(const asio::ip::address& from);
  void forget(incoming& x);

private:
  caf::error bind(const tcp::endpoint& place);
  void accept();
  void accept_failed(const error_code& ec);
  void accept_later(std::chrono::milliseconds pause);
  void admit(tcp::socket socket);
  std::shared_ptr<incoming> who_makes_room(const asio::ip::address& from) const;

  engine& owner_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  uint16_t port_ = 0;
  bool failing_ = false; ///< The last accept failed, which was reported.
  allowance accepts_;
  allowance all_starts_; ///< Of TLS.
  /// By a hash of the address, with a seed: a table that cannot grow, and in which nobody can
  /// choose whom they meet.
  std::array<allowance, 1024> starts_;
  uint64_t seed_;
  std::list<std::shared_ptr<incoming>> under_way_; ///< The oldest first.
};

} // namespace footfall::cluster
