#include "net/cluster/pump.hpp"

#include <netinet/tcp.h>

#include <boost/asio/ssl/error.hpp>

namespace footfall::cluster {

namespace {

/// The other side of the socket has closed it, though bytes of it may wait to be read.
bool was_closed(tcp::socket& x) {
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(x.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0
         || info.tcpi_state == TCP_CLOSE_WAIT || info.tcpi_state == TCP_CLOSE;
}

/// A host that ends without TLS's good-bye may be cut off: to us it is the same, what uses the
/// link has its own frames.
bool is_end(const error_code& ec) {
  return ec == asio::error::eof || ec == ssl::error::stream_truncated;
}

} // namespace

void pump::start() {
  out_.buffer.resize(buffer_bytes_);
  in_.buffer.resize(buffer_bytes_);
  read_inner();
  read_outer();
}

void pump::read_inner() {
  inner_.async_read_some(
      asio::buffer(out_.buffer), [self = shared_from_this()](const error_code& ec, size_t got) {
        if (ec)
          return self->side_ended(self->out_, self->outer_->socket(), "this process", ec);
        self->out_.writes = true;
        self->out_.since = clock::now();
        self->outer_->write(asio::buffer(self->out_.buffer.data(), got),
                            [self](const error_code& bad, size_t sent) {
                              self->out_.writes = false;
                              add(self->counters_.bytes_out, sent);
                              if (bad)
                                return self->stop("the other host: " + bad.message());
                              self->read_inner();
                            });
      });
}

void pump::read_outer() {
  outer_->read_some(asio::buffer(in_.buffer),
                    [self = shared_from_this()](const error_code& ec, size_t got) {
                      if (ec)
                        return self->side_ended(self->in_, self->inner_, "the other host", ec);
                      self->in_.writes = true;
                      self->in_.since = clock::now();
                      asio::async_write(self->inner_, asio::buffer(self->in_.buffer.data(), got),
                                        [self](const error_code& bad, size_t sent) {
                                          self->in_.writes = false;
                                          add(self->counters_.bytes_in, sent);
                                          if (bad)
                                            return self->stop("this process: " + bad.message());
                                          self->read_outer();
                                        });
                    });
}

/// No more comes this way, and all that came is written: the other side is told, and may still
/// send what it has.
void pump::side_ended(direction& way, tcp::socket& other, const char* who, const error_code& ec) {
  way.done = true;
  if (why_.empty())
    why_ = std::string{who} + (is_end(ec) ? " has closed it" : ": " + ec.message());
  if (!is_end(ec) || (out_.done && in_.done))
    return stop(why_);
  closing_ = clock::now();
  error_code bad;
  other.shutdown(tcp::socket::shutdown_send, bad);
  if (bad)
    stop(why_);
}

void pump::look(clock::time_point now, clock::duration linger) {
  if (stopped_)
    return;
  if ((out_.done || in_.done) && now - closing_ > linger)
    return stop(why_);
  // Who waits for a writer does not see that the reader's side has closed.
  if (out_.writes && now - out_.since > linger && was_closed(inner_))
    return stop("this process has closed it");
  if (in_.writes && now - in_.since > linger && was_closed(outer_->socket()))
    return stop("the other host has closed it");
}

void pump::stop(const std::string& why) {
  if (stopped_)
    return;
  stopped_ = true;
  error_code ignored;
  outer_->socket().close(ignored);
  inner_.close(ignored);
  ended_(why);
}

} // namespace footfall::cluster
