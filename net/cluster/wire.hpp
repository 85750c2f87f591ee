#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

namespace footfall::cluster {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

/// A connection between hosts: plain at first, TLS once it is secured. Not TLS from the start:
/// a stream has buffers of 70 KiB, which a silent stranger must not get.
class wire {
public:
  explicit wire(tcp::socket socket) : socket_(std::move(socket)) {}

  void secure(std::shared_ptr<ssl::context> context) {
    context_ = std::move(context);
    stream_.emplace(socket_, *context_);
  }

  tcp::socket& socket() noexcept { return socket_; }
  ssl::stream<tcp::socket&>& stream() { return *stream_; }
  SSL* tls() { return stream_ ? stream_->native_handle() : nullptr; }

  template <class Handler>
  void read_some(asio::mutable_buffer to, Handler done) {
    if (stream_)
      stream_->async_read_some(to, std::move(done));
    else
      socket_.async_read_some(to, std::move(done));
  }

  template <class Handler>
  void write(asio::const_buffer from, Handler done) {
    if (stream_)
      asio::async_write(*stream_, from, std::move(done));
    else
      asio::async_write(socket_, from, std::move(done));
  }

private:
  tcp::socket socket_;
  std::shared_ptr<ssl::context> context_; ///< The certificates of now, kept to its end.
  std::optional<ssl::stream<tcp::socket&>> stream_;
};

/// What a tunnel says first to one that dialled: whether the link is on.
enum class greeting : uint8_t { go = 1, wrong_name = 2, too_many = 3, not_ready = 4 };

/// Small messages go at once; a host that is gone is noticed, and bytes that nobody takes for
/// `unsent` end the connection.
void tune(tcp::socket& socket, std::chrono::milliseconds unsent);

/// "10.0.0.7:40112", or "[fd00::7]:40112".
std::string text_of(const tcp::endpoint& x);

} // namespace footfall::cluster
