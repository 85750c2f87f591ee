#pragma once

#include <array>

#include "actors/ports/metrics.hpp"

namespace footfall {

/// Why a connection to the cluster's port became no link.
enum class refusal : uint8_t {
  not_tls,           ///< Its first bytes are no TLS, or no TLS 1.3.
  no_certificate,    ///< It showed none.
  foreign_authority, ///< Ours did not sign what it showed.
  expired,           ///< Ours did, but it is not valid now.
  wrong_name,        ///< Its certificate has no name that is allowed.
  refused_us,        ///< It does not take our certificate.
  too_many,          ///< A limit was reached.
  timeout,           ///< It did not finish in time.
  broken_off,        ///< It went away before it was a link.
  not_ready,         ///< What should serve the link does not listen.
};
inline constexpr size_t refusals = 10;

/// "not_tls": the label of a metric.
const char* to_string(refusal x) noexcept;

/// What links to other nodes count, for /metrics. Any thread.
struct link_counters {
  counter came_in{0};                      ///< Connections that came in.
  counter accepted{0};                     ///< Of those: became links.
  std::array<counter, refusals> refused{}; ///< Of those: did not, by refusal.
  counter accept_failures{0};              ///< The system gave no connection, mostly descriptors.
  counter dials{0};
  counter dials_failed{0};
  counter links{0};     ///< A gauge: open, both ways counted.
  counter under_way{0}; ///< A gauge: came in, and neither link nor refused yet.
  counter bytes_out{0}; ///< From this process to others, before encryption.
  counter bytes_in{0};
};

} // namespace footfall
