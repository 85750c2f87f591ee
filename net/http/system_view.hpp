#pragma once

#include <string>

#include "actors/ports/metrics.hpp"
#include "actors/ports/request_handler.hpp"

namespace footfall::http {

/// What /v1/system is made of, beside the counters.
struct system_reply {
  node_health health;
  partitions_reply parts;
};

/// Gathers it. `handler` outlives the call.
void ask_system(request_handler& handler, std::function<void(system_reply)> done);

/// The body of /v1/system, in one line: how the node is, how far the log is counted, how fresh
/// what is told is.
std::string render(const system_reply& x, const metrics& counts, int64_t started_us,
                   int64_t now_us);

} // namespace footfall::http
