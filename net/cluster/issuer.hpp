#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <caf/expected.hpp>

namespace footfall::cluster {

/// A certificate and its key, as the texts of PEM files.
struct pem_pair {
  std::string certificate;
  std::string key;
};

/// When a certificate is valid, in seconds since 1970.
struct validity {
  int64_t from_s = 0;
  int64_t until_s = 0;
};

struct host_or_address {
  std::string text;
  bool is_address = false;
};

/// What an IPv4 or IPv6 address or a host name is. @returns an error for anything else.
caf::expected<host_or_address> read_host(const std::string& text);

/// A new authority: signs nodes, and nothing below them.
caf::expected<pem_pair> make_authority(const std::string& name, validity when);

/// Whether it can sign. @returns what is wrong with it.
caf::error check_authority(const pem_pair& authority, int64_t now_s);

/// A certificate for a node, as server and as client.
/// @param hosts its names and addresses; the first is the common name as well
/// @param when cut to the authority's own end
caf::expected<pem_pair> issue_certificate(const pem_pair& authority,
                                          const std::vector<std::string>& hosts, validity when);

} // namespace footfall::cluster
