#pragma once

#include <string>

#include "actors/ports/request_handler.hpp"
#include "net/http/query_string.hpp"

namespace footfall::http {

/// The bodies of /admin/partitions.
std::string render(const partitions_reply& x);
std::string render(const partition_reply& x);

/// Reads partition= and to=. @returns empty, or what is wrong.
std::string read_skip(const query_params& params, uint32_t& partition, int64_t& to);

} // namespace footfall::http
