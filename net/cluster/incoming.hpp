#pragma once

#include <memory>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "actors/ports/link_counters.hpp"
#include "net/cluster/tunnel.hpp"
#include "net/cluster/wire.hpp"

namespace footfall::cluster {

class engine;
class ingress;

/// A connection that came in and is no link yet. Costs a socket until its first byte looks
/// like TLS; all it does has one deadline.
class incoming : public std::enable_shared_from_this<incoming> {
public:
  incoming(engine& owner, ingress& door, tcp::socket socket, tcp::endpoint from);

  void start();

  /// Closes it. Only the first call counts.
  void refuse(refusal why, const std::string& details);
  const tcp::endpoint& from() const { return from_; }
  /// It has sent something that begins TLS.
  bool has_begun() const { return begun_; }

private:
  void first_byte();
  void shake();
  void shaken(const error_code& ec);
  void admit();
  void reach_inner();
  void greet();
  /// Says why, to one whose certificate is good, then refuses.
  void turn_away(greeting word, refusal why, const std::string& details);
  void leave();

  engine& owner_;
  ingress& door_;
  tcp::endpoint from_;
  std::unique_ptr<wire> wire_;
  tcp::socket inner_;
  asio::steady_timer deadline_;
  link_info info_;
  uint8_t word_ = 0; ///< The greeting.
  bool begun_ = false;
  bool done_ = false;
};

} // namespace footfall::cluster
