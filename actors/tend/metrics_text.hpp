#pragma once

#include <string>
#include <utility>
#include <vector>

#include "actors/ports/metrics.hpp"
#include "actors/ports/peer_links.hpp"
#include "actors/ports/request_handler.hpp"
#include "actors/tend/node_status.hpp"

namespace footfall {

/// How the audits ended that were asked of this node.
struct audit_counts {
  counter ok{0};
  counter differing{0};
  counter failed{0};      ///< Given up, or refused as another one was under way.
  counter differences{0}; ///< A gauge: of the last one that was finished.
};

/// What the node counts, as Prometheus text (format 0.0.4). Any thread.
/// @param links to other nodes; null: there are none
/// @param kinds of what the node runs on, by name: {"log", "kafka"}
/// @param data_dir whose disk is told of; empty: none
std::string metrics_text(const metrics& counts, const node_status& status, size_t in_flight,
                         int64_t now_us, const node_health& health, const peer_links* links,
                         const std::vector<std::pair<std::string, std::string>>& kinds,
                         const audit_counts& audits = {}, const std::string& data_dir = {});

} // namespace footfall
