#pragma once

#include <string>

#include "actors/ports/link_counters.hpp"
#include "net/cluster/tunnel.hpp"
#include "net/cluster/wire.hpp"

namespace footfall::cluster {

/// Why a handshake with one who came in failed.
refusal why_refused(const error_code& ec, SSL* tls);

/// Why a handshake with one that was dialled failed, or what it said right after.
dial_outcome why_failed(const error_code& ec);

/// For a person: what is wrong with the other's certificate, or what the library says.
std::string details_of(const error_code& ec, SSL* tls);

/// Whom the certificate of the other side names.
void read_peer(SSL* tls, link_info& out);

/// The server must show a certificate for `name`, a host name or an address.
bool expect_name(SSL* tls, const std::string& name);

} // namespace footfall::cluster
