#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http/request.hpp"
#include "net/http/response.hpp"

namespace footfall::http {

/// Keeps web pages of others away from a port that asks nobody for a key. A browser on this
/// machine reaches a loopback port for any page that it shows: by a name that now leads
/// here (DNS rebinding), which the Host header tells, or by a request across origins, which
/// Origin and Sec-Fetch-Site tell. Other programs send neither. Any thread.
class origin_guard {
public:
  /// @param names by which clients may call the server, besides localhost and any address.
  /// @param loopback the port is on the loopback: it has no other names than these. Elsewhere
  /// they are checked only where some are given.
  origin_guard(std::vector<std::string> names, bool loopback);

  /// Why the request is refused: 421 for a foreign name, 403 for a change that a page of
  /// another origin asks for.
  std::optional<problem> check(const request& x) const;

private:
  bool is_known(std::string_view host) const;
  bool is_foreign(const request& x) const;

  std::vector<std::string> names_;
  bool checks_names_;
};

/// The host of "host:port" or "[v6]:port", in lower case, without a dot at its end.
std::string host_of(std::string_view authority);

} // namespace footfall::http
