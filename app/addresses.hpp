#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace footfall::app {

/// DATABASE_URL, read as libpq reads it.
struct database_address {
  std::string fault;                ///< Empty, or what is wrong; no value is in it.
  std::string shown;                ///< "host:port/name", for people.
  std::vector<std::string> secrets; ///< Passwords, as given and as meant.
};

/// A password that is not encoded as its form wants it would end up in a host name or a
/// database name, and from there in error texts: such a text is refused.
database_address read_database_address(const std::string& text);

/// REDIS_ADDR: "host:port", or "redis://[[user]:password@]host[:port]".
struct redis_address {
  std::string fault; ///< Empty, or what is wrong; no value is in it.
  std::string host;
  uint16_t port = 0;
  std::string username;
  std::string password;
};

redis_address read_redis_address(std::string_view text);

/// True for "tcp://10.0.0.1:6379": what Kubernetes and Docker put into REDIS_PORT and
/// others for a service of that name.
bool is_service_link(std::string_view value);

} // namespace footfall::app
