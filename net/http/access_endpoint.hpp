#pragma once

#include <memory>

#include "net/http/exchange.hpp"

namespace footfall::http {

/// Whether something of this endpoint is at the path.
bool is_of_access(std::string_view path);

/// Signing in and out (/v1/session), and for admins of all sites: sites, keys and people.
///
/// @param gate and `desk` outlive it; null where nobody is asked for a key.
std::unique_ptr<endpoint> make_access_endpoint(const model::access_gate* gate, access_desk* desk,
                                               now_fn now);

} // namespace footfall::http
