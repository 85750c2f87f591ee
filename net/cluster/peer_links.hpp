#pragma once

#include <memory>
#include <optional>
#include <string>

#include "actors/ports/peer_links.hpp"
#include "net/cluster/tunnel.hpp"

namespace footfall::cluster {

struct links_config {
  std::string host; ///< Where other nodes come in.
  uint16_t port = 0;
  /// Without them nothing is encrypted nor checked: only between loopback addresses.
  std::optional<certificate_files> files;
  report_fn report;
};

/// Has a system's actors talk to those of other nodes: CAF's protocol on loopback, in a tunnel.
/// The configuration of the system is to have been through prepare(). Outlives all actors that
/// use it, and is gone before their system is.
class tunnel_links final : public peer_links {
public:
  /// Loads what a system needs to be linked: CAF's middleman with heartbeats, and an identity
  /// that no other process has.
  static void prepare(caf::actor_system_config& config);

  /// @returns an error when the port cannot be had or the certificates are no good.
  static caf::expected<std::unique_ptr<tunnel_links>> open(caf::actor_system& system,
                                                           links_config config);
  ~tunnel_links() override;

  void begin(caf::strong_actor_ptr membership) override;
  void dial(const std::string& address, const std::string& name, done<peer_way> reply) override;
  void identify(caf::strong_actor_ptr other, done<peer_way> reply) override;
  void cut(uint64_t link) override;

  uint16_t port() const noexcept;
  const link_counters& counters() const noexcept override;
  int64_t valid_until_s() const noexcept override;

private:
  struct shared;
  explicit tunnel_links(std::shared_ptr<shared> x);
  std::shared_ptr<shared> shared_;
};

} // namespace footfall::cluster
