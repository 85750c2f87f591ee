#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/expected.hpp>

#include "actors/ports/link_counters.hpp"
#include "net/cluster/certificates.hpp"

namespace footfall::cluster {

/// What bounds a tunnel. The defaults are for some hundred nodes.
struct tunnel_limits {
  size_t links = 256;     ///< Open at the same time, both ways together.
  size_t handshakes = 64; ///< Under way; the oldest makes room, one that is silent first.
  size_t handshakes_an_address = 16; ///< Of one address; its oldest makes room.
  /// Handshakes begun for one address (IPv6: /64) and for all together, in the long run and at
  /// once: each takes a millisecond of the processor's time.
  uint32_t tls_a_second = 16;
  uint32_t tls_burst = 16;
  uint32_t tls_a_second_in_all = 32;
  uint32_t tls_burst_in_all = 48;
  uint32_t accepts_a_second = 1500;            ///< From all; the rest waits in the kernel.
  size_t dials = 64;                           ///< Under way.
  size_t buffer_bytes = 64 << 10;              ///< For each direction of a link, once it is one.
  std::chrono::milliseconds handshake{3000};   ///< Until who came in is a link.
  std::chrono::milliseconds dial{1500};        ///< From dial to an answer.
  std::chrono::milliseconds pick_up{1500};     ///< Then from the answer to a connection.
  std::chrono::milliseconds accept_pause{100}; ///< After a failed accept.
  /// So long may bytes wait for a host or a process that does not read; then the link ends.
  std::chrono::milliseconds unsent{15'000};
  std::chrono::milliseconds linger{2000};         ///< One side has closed; the other may end.
  std::chrono::milliseconds report_every{60'000}; ///< A line for each reason of refusal.
};

/// A link that is open.
struct link_info {
  uint64_t id = 0;
  bool dialled = false;           ///< This side made it.
  std::string address;            ///< Of the other host, "10.0.0.7:40112".
  std::vector<std::string> names; ///< In the other's certificate, common name first; lower case.
  std::string serial;             ///< Of that certificate.
  uint16_t inner_port = 0;        ///< Who came in: our port of the connection to the inner one, by
                           ///< which its server can tell whose it is. Dialled: the port to use.
};

enum class dial_outcome : uint8_t {
  connected,
  name_unknown, ///< The host name has no address now.
  unreachable,  ///< Nobody listens there, or there is no way.
  timeout,      ///< It did not answer in time.
  not_trusted,  ///< Its certificate is not of our authority, expired, or not for that name.
  refused_us,   ///< It does not take our certificate or our name.
  no_peer,      ///< What answers there is no tunnel.
  not_ready,    ///< It has too many links, or what serves them does not listen yet.
  overloaded,   ///< We have too many links or dials, or no descriptors.
  stopped,      ///< The tunnel ended first.
};

struct dial_answer {
  dial_outcome outcome = dial_outcome::stopped;
  std::string text; ///< For a person, unless connected.
  link_info link;   ///< If connected.
};

struct tunnel_config {
  std::string host;        ///< Where others come in; a name or an address. Empty: nowhere.
  uint16_t port = 0;       ///< 0 takes a free one.
  uint16_t inner_port = 0; ///< On loopback: who comes in is connected to it.
  /// Without them nothing is encrypted nor checked: only between loopback addresses.
  std::optional<certificate_files> files;
  /// Names, or suffixes with a dot in front; one must be in the certificate of who comes in.
  /// Empty: any certificate of the authority will do.
  std::vector<std::string> allowed;
  report_fn report;
  std::function<void(const link_info&)> on_link; ///< Before the first byte goes through.
  std::function<void(uint64_t link, const std::string& why)> on_end;
  tunnel_limits limits;
};

class engine;

/// Carries the bytes of plain loopback connections between hosts, in mutual TLS. Knows nothing
/// of what they mean. Runs on a thread of its own; its calls return at once, from any thread.
/// All callbacks run on that thread: they must not block, throw or end the tunnel.
class tunnel {
public:
  /// @returns an error when the port cannot be had or the certificates are no good.
  static caf::expected<std::unique_ptr<tunnel>> open(tunnel_config config);

  /// Closes all links, and calls back for each dial that is under way, on the caller's thread.
  /// Links that it ends are not told of.
  ~tunnel();

  /// Where others come in; 0 if nowhere.
  uint16_t port() const noexcept;

  /// Connects to the tunnel at `host` and `port`, which must show a certificate for `name`, a
  /// host name or an address. Then opens a loopback port for one connection of this process,
  /// told in the answer, which must be made soon. Exactly one answer.
  void dial(std::string host, uint16_t port, std::string name,
            std::function<void(const dial_answer&)> done);

  /// Ends a link, if it is there.
  void cut(uint64_t link);

  const link_counters& counters() const noexcept;

  /// When the certificate that is in use expires, in seconds since 1970; 0 without one.
  int64_t valid_until_s() const noexcept;

private:
  explicit tunnel(std::unique_ptr<engine> x);
  std::unique_ptr<engine> engine_;
};

} // namespace footfall::cluster
