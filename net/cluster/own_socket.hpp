#pragma once

#include <boost/asio/ip/tcp.hpp>

namespace footfall::cluster {

/// Whether a connection that came in from `from`, to `to` on loopback, is this process's own:
/// ports on loopback are open to every user of the machine.
bool is_own_socket(const boost::asio::ip::tcp::endpoint& from,
                   const boost::asio::ip::tcp::endpoint& to);

} // namespace footfall::cluster
