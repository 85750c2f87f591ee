#include "app/descriptors.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include "proto/error.hpp"

namespace footfall::app {

namespace {

/// Files that the store opens for a while, connections to servers that are made later, what the
/// listeners themselves need.
constexpr uint64_t spare = 96;
constexpr uint64_t adapters = 64; ///< What log, store and cache open at the start.
constexpr uint64_t ports = 3;     ///< Ingest, query, gRPC.
constexpr uint64_t connections_least = 4;
constexpr uint64_t admin_least = 4;
constexpr uint64_t admin_most = 256;
/// More is of no use here, and some systems have no limit at all.
constexpr rlim_t limit_most = 1 << 20;

uint64_t current_limit() {
  rlimit now{};
  if (::getrlimit(RLIMIT_NOFILE, &now) != 0)
    return 1024;
  return now.rlim_cur == RLIM_INFINITY ? limit_most : now.rlim_cur;
}

} // namespace

uint64_t raise_descriptor_limit() {
  rlimit now{};
  if (::getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur < std::min(now.rlim_max, limit_most)) {
    now.rlim_cur = std::min(now.rlim_max, limit_most);
    ::setrlimit(RLIMIT_NOFILE, &now);
  }
  return current_limit();
}

uint64_t open_descriptors() {
  std::error_code ec;
  uint64_t count = 0;
  for (std::filesystem::directory_iterator at{"/proc/self/fd", ec}, end; !ec && at != end;
       at.increment(ec))
    ++count;
  return count;
}

descriptor_plan plan_descriptors(uint64_t limit, uint64_t used, uint32_t wanted) {
  descriptor_plan out;
  const auto kept = used + spare;
  out.least = kept + admin_least + ports * connections_least;
  if (limit < out.least)
    return out;
  const auto left = limit - kept;
  const auto admin = std::clamp(left / 8, admin_least, admin_most);
  out.admin = static_cast<uint32_t>(admin);
  out.connections = static_cast<uint32_t>(std::min<uint64_t>(wanted, (left - admin) / ports));
  return out;
}

caf::expected<descriptor_plan> share_descriptors(uint32_t wanted) {
  const auto limit = current_limit();
  const auto plan = plan_descriptors(limit, open_descriptors() + adapters, wanted);
  const auto text = "the process may open " + std::to_string(limit) + " files";
  if (plan.connections == 0)
    return make_error(errc::invalid_argument,
                      text + " and connections, and needs at least " + std::to_string(plan.least)
                          + "; raise the hard limit (ulimit -Hn, LimitNOFILE=)");
  if (plan.connections < wanted)
    spdlog::warn("at most {} connections on each of ingest, query and gRPC instead of {} "
                 "(--max-connections): {}; raise the hard limit (ulimit -Hn, LimitNOFILE=)",
                 plan.connections, wanted, text);
  return plan;
}

} // namespace footfall::app
