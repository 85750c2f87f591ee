#pragma once

#include <cstdint>

#include <caf/expected.hpp>

namespace footfall::app {

/// How the descriptors that the process may have are shared out.
struct descriptor_plan {
  uint32_t connections = 0; ///< On each of ingest, query and gRPC.
  uint32_t admin = 0;       ///< Its own, whatever the others hold.
  uint64_t least = 0;       ///< The smallest limit that a node can serve with.
};

/// Raises this process's soft limit of open files as far as the hard one allows.
/// @returns what holds now.
uint64_t raise_descriptor_limit();

/// Descriptors that are open now.
uint64_t open_descriptors();

/// Leaves room for files, the servers behind us and the listeners; `used` are open
/// already. Connections are at most `wanted`; none when `limit` is below `least`.
descriptor_plan plan_descriptors(uint64_t limit, uint64_t used, uint32_t wanted);

/// The plan for this process before the adapters are open; a warning when fewer
/// connections than `wanted` are left.
/// @returns errc::invalid_argument when the limit is too low to serve at all.
caf::expected<descriptor_plan> share_descriptors(uint32_t wanted);

} // namespace footfall::app
