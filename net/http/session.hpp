#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "net/http/byte_stream.hpp"
#include "net/http/exchange.hpp"
#include "net/http/framing.hpp"

namespace footfall::http {

class listener;

/// One connection. Requests are answered one after the other, in order; while one
/// is at the actors nothing more is read. Lives on its listener's thread.
class session : public std::enable_shared_from_this<session> {
public:
  session(listener& owner, boost::asio::ip::tcp::socket socket, uint32_t slot);

  void start();

  /// The actors' answer, unless it is for a request that is no longer waited for.
  void finish(uint64_t generation, completion_value value);

  void check_deadline(std::chrono::steady_clock::time_point now);
  void drain();
  /// Ends a connection on which nothing has happened since then. True if it did.
  bool end_if_idle(std::chrono::steady_clock::time_point since);

private:
  enum class phase : uint8_t {
    securing, ///< The handshake of TLS.
    idle,
    head,
    body,
    answering,
    writing,
    streaming, ///< A body_stream goes on, and all of it so far is sent.
    lingering,
    closed
  };

  void wait_readable();
  void wait_writable(phase during, void (session::*then)());
  void secure();
  void readable();
  void work();
  void take(std::string_view data);
  bool step(std::string_view data, size_t& used);
  void begin(bool last);
  void refuse(const problem& x);
  void say_continue();
  void name_request();
  void answer_request();
  void tell_of_request();
  bool flush();
  void flush_and_work();
  void begin_stream();
  void ask_stream_soon();
  void ask_stream();
  void linger();
  void discard();
  void close();
  void enter(phase next);

  listener& owner_;
  byte_stream bytes_;
  request_reader reader_;
  exchange exchange_;
  std::string in_; ///< Bytes that came and are not used yet.
  std::string out_;
  size_t out_sent_ = 0;
  std::shared_ptr<body_stream> stream_; ///< Set: what stands in `out_` is a part of its body.
  bool asks_stream_ = false;            ///< ask_stream() is on its way.
  phase phase_ = phase::idle;
  bool close_after_ = false; ///< The answer being written is the last.
  bool continued_ = false;   ///< 100 Continue was sent.
  bool waits_to_read_ = false;
  std::chrono::steady_clock::time_point since_; ///< When the phase began.
  size_t discarded_ = 0;
};

} // namespace footfall::http
