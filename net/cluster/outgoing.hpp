#pragma once

#include <memory>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "net/cluster/egress.hpp"
#include "net/cluster/wire.hpp"

namespace footfall::cluster {

/// One dial. First the way out, to the other's greeting, by one deadline; only then a loopback
/// port, so that who connects to it never waits for a host. It takes one connection of this
/// process and is closed; another deadline is for that.
class outgoing : public std::enable_shared_from_this<outgoing> {
public:
  outgoing(engine& owner, dial_request request);

  void start();
  /// Ends the dial, unless it has been answered: then it ends the port. Only the first call
  /// counts.
  void fail(dial_outcome why, const std::string& details);

private:
  void found(const std::string& why, resolver::endpoints places);
  void connect_next(const std::string& before);
  void connected(const error_code& ec);
  void shake();
  void await_greeting();
  void greeted(const error_code& ec, size_t got);
  void open_port();
  void take();
  void taken(const error_code& ec, tcp::socket socket);
  void link_up(tcp::socket inner);
  void answer(dial_answer x);
  void leave();

  engine& owner_;
  dial_request request_;
  std::string where_; ///< "node2:4242", for texts.
  resolver::endpoints places_;
  size_t next_ = 0;
  uint64_t attempt_ = 0; ///< What an earlier one still says does not count.
  std::unique_ptr<wire> wire_;
  tcp::acceptor port_;
  asio::steady_timer deadline_;
  asio::steady_timer patience_; ///< With one of several addresses.
  link_info info_;
  uint8_t word_ = 0; ///< The greeting.
  bool answered_ = false;
  bool done_ = false;
};

} // namespace footfall::cluster
