#include "net/http/byte_stream.hpp"

#include <algorithm>
#include <limits>

#include <boost/asio/buffer.hpp>
#include <openssl/err.h>

namespace footfall::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

/// With room for a whole record, none is left in the library, where nobody would look for it.
constexpr size_t record_most = 16 << 10;
constexpr char tls_handshake = 0x16; ///< Of a record; no method of HTTP begins with it.

bool would_block(const error_code& ec) {
  return ec == asio::error::would_block || ec == asio::error::try_again;
}

} // namespace

/// Of the library's last step. Its errors are forgotten: the next step is of another connection.
progress byte_stream::why_not(int result) {
  const int why = SSL_get_error(tls_.get(), result);
  ERR_clear_error();
  switch (why) {
  case SSL_ERROR_WANT_READ: return progress::needs_read;
  case SSL_ERROR_WANT_WRITE: return progress::needs_write;
  case SSL_ERROR_ZERO_RETURN: return progress::ended;
  default: is_broken_ = true; return progress::failed;
  }
}

/// By the first byte, which stays where it is.
progress byte_stream::choose() {
  char first = 0;
  error_code ec;
  const auto got = socket_.receive(asio::buffer(&first, 1), tcp::socket::message_peek, ec);
  if (would_block(ec))
    return progress::needs_read;
  if (ec || got == 0)
    return progress::ended;
  has_begun_ = true;
  if (first == tls_handshake)
    return progress::done;
  if (may_be_plain_) {
    certificate_ = nullptr;
    return progress::done;
  }
  spoke_plainly_ = first >= 'A' && first <= 'Z'; // A method.
  return progress::failed;
}

progress byte_stream::secure() {
  if (!tls_) {
    if (const auto chosen = choose(); chosen != progress::done || !certificate_)
      return chosen;
    const auto context = certificate_->context(); // Which the connection keeps.
    tls_.reset(SSL_new(context.get()));
    if (!tls_ || SSL_set_fd(tls_.get(), socket_.native_handle()) != 1) {
      ERR_clear_error();
      return progress::failed;
    }
    SSL_set_accept_state(tls_.get());
  }
  const int result = SSL_do_handshake(tls_.get());
  if (result != 1)
    return why_not(result);
  is_secured_ = true;
  return progress::done;
}

transfer byte_stream::receive(std::vector<char>& to) {
  transfer out;
  error_code ec;
  out.bytes = socket_.receive(asio::buffer(to), 0, ec);
  if (would_block(ec))
    out.state = progress::needs_read;
  else if (ec == asio::error::eof || (!ec && out.bytes == 0))
    out.state = progress::ended;
  else if (ec)
    out.state = progress::failed;
  return out;
}

transfer byte_stream::read(std::vector<char>& to) {
  if (!tls_)
    return receive(to);
  transfer out;
  if (is_at_end()) {
    out.state = end_;
    return out;
  }
  while (to.size() - out.bytes >= record_most) {
    const int got = SSL_read(tls_.get(), to.data() + out.bytes, record_most);
    if (got <= 0) {
      const auto why = why_not(got);
      if (out.bytes == 0)
        out.state = why;
      else if (why == progress::ended || why == progress::failed)
        end_ = why;
      break;
    }
    out.bytes += static_cast<size_t>(got);
  }
  return out;
}

transfer byte_stream::write(std::string_view from) {
  transfer out;
  if (!tls_) {
    error_code ec;
    out.bytes = socket_.send(asio::buffer(from.data(), from.size()), 0, ec);
    if (ec)
      out.state = would_block(ec) ? progress::needs_write : progress::failed;
    return out;
  }
  const auto most = std::min<size_t>(from.size(), std::numeric_limits<int>::max());
  const int sent = SSL_write(tls_.get(), from.data(), static_cast<int>(most));
  if (sent > 0)
    out.bytes = static_cast<size_t>(sent);
  else
    out.state = why_not(sent);
  return out;
}

void byte_stream::write_plainly(std::string_view from) {
  error_code ignored;
  socket_.send(asio::buffer(from.data(), from.size()), 0, ignored);
}

bool byte_stream::shut_down() {
  if (tls_ && is_secured_ && !is_broken_) {
    SSL_shutdown(tls_.get()); // What does not fit now is not worth to wait for.
    ERR_clear_error();
  }
  error_code ec;
  socket_.shutdown(tcp::socket::shutdown_send, ec);
  return !ec;
}

void byte_stream::close() {
  if (tls_ && is_secured_ && !is_broken_) {
    SSL_shutdown(tls_.get()); // Says that this is the end, and no accident.
    ERR_clear_error();
  }
  error_code ignored;
  socket_.close(ignored);
}

} // namespace footfall::http
