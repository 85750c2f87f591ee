#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <caf/expected.hpp>

#include "net/http/exchange.hpp"
#include "net/http/framing.hpp"
#include "net/http/http_server.hpp"
#include "net/http/origin_guard.hpp"
#include "net/tls/server_certificate.hpp"

namespace footfall::http {

class session;

struct listener_address {
  const char* name; ///< For error texts.
  std::string address;
  uint16_t port = 0;
  uint32_t connections = 0;
  const model::access_gate* gate = nullptr; ///< Null: no keys are asked for.
  bool takes_sessions = false; ///< Cookies of browsers, which send them to each port of a host.
  tls::server_certificate* certificate = nullptr; ///< Null: without TLS. Outlives the listener.
  bool plain_for_machine = false; ///< Who asks from the loopback may do without TLS.
  trace_log* traces = nullptr;    ///< Null: what becomes of requests is told to nobody.
};

/// One port: accepts connections, owns them, and runs them on one thread.
class listener {
public:
  static caf::expected<std::unique_ptr<listener>> open(listener_address where,
                                                       const http_config& config,
                                                       std::unique_ptr<endpoint> target,
                                                       metrics& counters, now_fn now);
  ~listener();

  uint16_t port() const { return port_; }
  void start();
  /// From now on each answer is the last of its connection, so that clients go elsewhere.
  void say_goodbye();
  void drain();
  void wait_until_empty(std::chrono::steady_clock::time_point end);
  void stop();

  // What follows is for sessions, on the listener's thread.
  endpoint& target() { return *target_; }
  metrics& counters() { return counters_; }
  const http_config& config() const { return config_; }
  tls::server_certificate* certificate() const { return where_.certificate; }
  trace_log* traces() const { return where_.traces; }
  bool may_be_plain(const boost::asio::ip::tcp::socket& from) const;
  const framing_limits& framing() const { return framing_; }
  /// Why a request is not let in, whatever it asks; notes in `x` who asks.
  std::optional<problem> turns_away(exchange& x) const;
  std::string_view date() const { return date_; }
  bool draining() const { return draining_; }
  bool says_goodbye() const { return draining_ || says_goodbye_; }
  std::vector<char>& scratch() { return scratch_; }
  const std::shared_ptr<completion_queue>& queue() const { return queue_; }
  void forget(uint32_t slot);

private:
  listener(listener_address where, const http_config& config, std::unique_ptr<endpoint> target,
           metrics& counters, now_fn now);
  caf::error bind();
  void accept();
  void accept_failed(const boost::system::error_code& ec);
  bool make_room();
  void admit(boost::asio::ip::tcp::socket socket);
  void turn_away(boost::asio::ip::tcp::socket& socket);
  void deliver();
  void sweep();

  listener_address where_;
  http_config config_;
  framing_limits framing_;
  std::optional<origin_guard> guard_; ///< Set by bind().
  std::unique_ptr<endpoint> target_;
  metrics& counters_;
  now_fn now_;
  uint16_t port_ = 0;
  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::acceptor acceptor_{io_};
  boost::asio::steady_timer sweep_timer_{io_};
  boost::asio::steady_timer accept_timer_{io_};
  int reserve_ = -1; ///< Given up for a moment when descriptors have run out.
  std::shared_ptr<completion_queue> queue_;
  std::vector<completion> arrived_;
  std::vector<std::shared_ptr<session>> sessions_; ///< By slot; some are empty.
  std::vector<uint32_t> free_slots_;
  size_t next_looked_at_ = 0; ///< A slot; make_room() goes round.
  size_t open_ = 0;
  std::vector<char> scratch_;
  std::string date_;
  bool draining_ = false;
  bool says_goodbye_ = false;
  std::mutex mutex_;
  std::condition_variable emptied_;
  bool empty_ = false; ///< Drained, and no connection is left.
  std::thread thread_;
};

} // namespace footfall::http
