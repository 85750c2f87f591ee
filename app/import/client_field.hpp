#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace footfall::app {

enum class client_shape : uint8_t {
  none = 0, ///< Neither an address nor a host name.
  address,  ///< IPv4 or IPv6.
  name,     ///< A host name.
};

struct client_field {
  client_shape shape = client_shape::none;
  std::string_view text; ///< Without quotes, brackets and port.
  bool has_port = false;
  bool is_list = false; ///< Forwarded addresses: `text` is the left-most one.
};

/// Reads one field that should name a client: `192.0.2.1`, `[2001:db8::1]:443`,
/// `host.example`, `"192.0.2.1, 198.51.100.7"`.
client_field read_client(std::string_view text);

/// Finds the client in what stands before the time of an access log's line:
/// `[VHOST[:PORT] ]CLIENT [IDENT [USER]]`. A word is believed to be the client only
/// where a client stands, and only if it has the shape of one.
/// @returns an empty text and sets `client`, or why the line is refused.
std::string find_client(std::string_view before_time, std::string_view& client);

} // namespace footfall::app
