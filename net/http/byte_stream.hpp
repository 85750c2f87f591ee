#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "net/tls/openssl.hpp"
#include "net/tls/server_certificate.hpp"

namespace footfall::http {

/// How far a step on a connection came.
enum class progress : uint8_t {
  done,
  needs_read,  ///< Again when there is something to read,
  needs_write, ///< or when the socket takes more.
  ended,       ///< The client closed its side in order; nothing more comes.
  failed
};

struct transfer {
  progress state = progress::done;
  size_t bytes = 0; ///< More than 0 when done.
};

/// The bytes of a connection, as they are or inside TLS. Nothing blocks. One thread.
class byte_stream {
public:
  /// Plain where `certificate` is null; it outlives the stream.
  byte_stream(boost::asio::ip::tcp::socket socket, tls::server_certificate* certificate)
      : socket_(std::move(socket)), certificate_(certificate) {}

  /// The client may do without TLS: its first byte tells. Before secure().
  void let_choose() noexcept { may_be_plain_ = true; }

  /// To wait with, and for its options.
  boost::asio::ip::tcp::socket& socket() noexcept { return socket_; }

  /// Whether secure() has to be done before anything else.
  bool is_to_be_secured() const noexcept { return certificate_ && !is_secured_; }

  /// Goes on with the handshake. Nothing is kept for a client before its first byte came.
  progress secure();
  /// Whether that came.
  bool has_begun() const noexcept { return has_begun_; }
  /// After secure() failed: the client speaks HTTP without TLS.
  bool spoke_plainly() const noexcept { return spoke_plainly_; }

  /// Reads what there is, as far as `to` has room; what is left makes the socket readable.
  transfer read(std::vector<char>& to);
  /// The last read saw the end behind what it gave: the socket may not tell of it any more.
  bool is_at_end() const noexcept { return end_ != progress::done; }
  /// Reads what there is as it came: of TLS, what nobody can read.
  transfer receive(std::vector<char>& to);
  transfer write(std::string_view from);
  /// What is written past TLS, to whom it is not spoken with.
  void write_plainly(std::string_view from);

  /// Tells the client that nothing more comes; it may still send. False: it is gone.
  bool shut_down();
  void close();

private:
  progress choose();
  progress why_not(int result);

  boost::asio::ip::tcp::socket socket_;
  tls::server_certificate* certificate_;
  std::unique_ptr<SSL, tls::openssl_deleter<SSL_free>> tls_;
  bool may_be_plain_ = false;
  bool has_begun_ = false;
  bool is_secured_ = false;
  bool is_broken_ = false; ///< TLS must not be used any more.
  bool spoke_plainly_ = false;
  progress end_ = progress::done; ///< What the next read is to say.
};

} // namespace footfall::http
