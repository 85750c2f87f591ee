#pragma once

#include <string>

#include "actors/node_status.hpp"
#include "actors/ports/metrics.hpp"

namespace footfall {

/// What the node counts, as Prometheus text (format 0.0.4). Any thread.
std::string metrics_text(const metrics& counts, const node_status& status, size_t in_flight,
                         int64_t now_us);

} // namespace footfall
