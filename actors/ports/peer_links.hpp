#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <caf/actor_control_block.hpp>
#include <caf/expected.hpp>

#include "actors/ports/link_counters.hpp"
#include "proto/wire.hpp"

namespace footfall {

/// A way to the MEMBERSHIP of another node. Once it has ended, whoever monitors that actor
/// gets a DOWN; messages on their way may be lost.
struct peer_way {
  uint64_t link = 0; ///< For cut().
  caf::strong_actor_ptr membership;
  bool certified = false;         ///< The other side has shown a certificate.
  std::vector<std::string> names; ///< In that certificate; lower case.

  /// Whether who is there may call itself `node`.
  bool may_be(const std::string& node) const;
};
template <class Inspector>
auto inspect(Inspector& f, peer_way& x) {
  return wire::object(f, "peer_way", x.link, x.membership, x.certified, x.names);
}

/// In the place of a name: whoever the authority of the certificates knows. No node is called that.
inline constexpr const char* any_node = "*";

/// Links to other nodes. No call blocks; every callback runs once, on any thread. A failure
/// names what was tried and says what to do.
class peer_links {
public:
  template <class T>
  using done = std::function<void(caf::expected<T>)>;

  virtual ~peer_links() = default;

  /// Ends all links; from now on whoever comes in is led to this actor.
  virtual void begin(caf::strong_actor_ptr membership) = 0;

  /// @param address "host:port"
  /// @param name that the certificate there must have; any_node: the caller is to compare
  /// peer_way::may_be() with what the other calls itself
  virtual void dial(const std::string& address, const std::string& name, done<peer_way> reply) = 0;

  /// Who is behind an actor that has sent a message from another node.
  virtual void identify(caf::strong_actor_ptr other, done<peer_way> reply) = 0;

  /// Ends a link, if it is there.
  virtual void cut(uint64_t link) = 0;

  virtual const link_counters& counters() const noexcept = 0;
  /// When the certificate that is in use expires, in seconds since 1970; 0 without one.
  virtual int64_t valid_until_s() const noexcept = 0;
};

} // namespace footfall
