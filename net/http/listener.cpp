#include "net/http/listener.hpp"

#include <algorithm>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

#include "net/http/key_check.hpp"
#include "net/http/session.hpp"

namespace footfall::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr size_t scratch_bytes = 256 << 10;
constexpr auto sweep_period = std::chrono::milliseconds{200};
constexpr size_t looked_at_most = 256;
constexpr auto accept_pause = std::chrono::milliseconds{20};

} // namespace

listener::listener(listener_address where, const http_config& config,
                   std::unique_ptr<endpoint> target, metrics& counters, now_fn now)
    : where_(std::move(where)), config_(config), target_(std::move(target)), counters_(counters),
      now_(std::move(now)), scratch_(scratch_bytes) {
  framing_.header_bytes = config.header_bytes;
  framing_.body_bytes = config.body_bytes;
  queue_ = std::make_shared<completion_queue>([this] { asio::post(io_, [this] { deliver(); }); });
}

listener::~listener() {
  stop();
  if (reserve_ >= 0)
    ::close(reserve_);
}

caf::expected<std::unique_ptr<listener>> listener::open(listener_address where,
                                                        const http_config& config,
                                                        std::unique_ptr<endpoint> target,
                                                        metrics& counters, now_fn now) {
  std::unique_ptr<listener> out{
      new listener(std::move(where), config, std::move(target), counters, std::move(now))};
  if (auto bad = out->bind())
    return bad;
  return out;
}

caf::error listener::bind() {
  error_code ec;
  const auto text = where_.address + ':' + std::to_string(where_.port);
  auto failed = [&](const char* step) {
    return make_error(errc::invalid_argument, "cannot " + std::string(step) + " the " + where_.name
                                                  + " port at " + text + ": " + ec.message());
  };
  const auto address = asio::ip::make_address(where_.address, ec);
  if (ec)
    return failed("read the address of");
  guard_.emplace(config_.hosts, address.is_loopback());
  const tcp::endpoint place{address, where_.port};
  acceptor_.open(place.protocol(), ec);
  if (ec)
    return failed("open");
  acceptor_.set_option(asio::socket_base::reuse_address(true), ec);
  acceptor_.bind(place, ec);
  if (ec)
    return failed("bind");
  acceptor_.listen(asio::socket_base::max_listen_connections, ec);
  if (ec)
    return failed("listen on");
  port_ = acceptor_.local_endpoint(ec).port();
  reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  return {};
}

std::optional<problem> listener::turns_away(exchange& x) const {
  if (auto bad = guard_->check(*x.in))
    return bad;
  if (!where_.gate)
    return std::nullopt;
  return check_key(*where_.gate, target_->needs(*x.in), where_.takes_sessions, now_(), x);
}

bool listener::may_be_plain(const tcp::socket& from) const {
  error_code ec;
  auto peer = from.remote_endpoint(ec).address();
  if (peer.is_v6() && peer.to_v6().is_v4_mapped())
    peer = asio::ip::make_address_v4(asio::ip::v4_mapped, peer.to_v6());
  return where_.plain_for_machine && peer.is_loopback();
}

void listener::start() {
  date_ = date_line(now_());
  accept();
  sweep();
  thread_ = std::thread{[this] { io_.run(); }};
}

void listener::accept() {
  acceptor_.async_accept([this](const error_code& ec, tcp::socket socket) {
    if (ec == asio::error::operation_aborted || !acceptor_.is_open())
      return;
    if (ec)
      return accept_failed(ec);
    admit(std::move(socket));
    accept();
  });
}

/// Out of descriptors: the connection would wait in the kernel for ever, and the
/// loop would spin. The reserve lets us take it, say so and hang up.
void listener::accept_failed(const error_code& ec) {
  if ((ec == asio::error::no_descriptors || ec.value() == ENFILE) && reserve_ >= 0) {
    ::close(reserve_);
    error_code none;
    tcp::socket waiting{io_};
    acceptor_.non_blocking(true, none);
    if (!acceptor_.accept(waiting, none))
      turn_away(waiting);
    reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  accept_timer_.expires_after(accept_pause);
  accept_timer_.async_wait([this](const error_code& stopped) {
    if (!stopped && acceptor_.is_open())
      accept();
  });
}

void listener::admit(tcp::socket socket) {
  if (open_ >= where_.connections && !make_room())
    return turn_away(socket);
  uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<uint32_t>(sessions_.size());
    sessions_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  ++open_;
  add(counters_.http_connections);
  auto& made = sessions_[slot];
  made = std::make_shared<session>(*this, std::move(socket), slot);
  // A copy: the first bytes may already end the session.
  auto keep = made;
  keep->start();
}

/// Ends a connection that has been idle for long. Looks at a bounded number of them,
/// each time at others.
bool listener::make_room() {
  const auto since = std::chrono::steady_clock::now() - config_.makes_room_after;
  for (size_t i = 0; i < std::min(looked_at_most, sessions_.size()); ++i) {
    next_looked_at_ = (next_looked_at_ + 1) % sessions_.size();
    if (auto keep = sessions_[next_looked_at_]; keep && keep->end_if_idle(since))
      return true;
  }
  return false;
}

void listener::turn_away(tcp::socket& socket) {
  add(counters_.http_connections_refused);
  error_code ignored;
  if (certificate()) { // Nothing can be said before a handshake.
    socket.close(ignored);
    return;
  }
  std::string out;
  append_problem(out, {date_, false, true, false},
                 {503, "too_many_connections",
                  "the server has as many connections as it may have; connect again later", true});
  socket.non_blocking(true, ignored);
  socket.send(asio::buffer(out), 0, ignored);
  // What the client sent already is read, so that the close does not reset the
  // connection before the answer arrived.
  socket.shutdown(tcp::socket::shutdown_send, ignored);
  socket.receive(asio::buffer(scratch_), 0, ignored);
  socket.close(ignored);
}

void listener::forget(uint32_t slot) {
  sessions_[slot].reset();
  free_slots_.push_back(slot);
  --open_;
  counters_.http_connections.fetch_sub(1, std::memory_order_relaxed);
  if (draining_ && open_ == 0) {
    std::lock_guard guard{mutex_};
    empty_ = true;
    emptied_.notify_all();
  }
}

void listener::deliver() {
  queue_->take(arrived_);
  for (auto& x : arrived_)
    if (x.to.slot == hub_slot)
      target_->told(x.to.generation, std::move(x.value));
    else if (x.to.slot < sessions_.size())
      if (auto keep = sessions_[x.to.slot])
        keep->finish(x.to.generation, std::move(x.value));
  arrived_.clear();
}

/// Looks at every deadline a few times a second: cheaper than a timer for each.
void listener::sweep() {
  date_ = date_line(now_());
  const auto now = std::chrono::steady_clock::now();
  for (size_t slot = 0; slot < sessions_.size(); ++slot)
    if (auto keep = sessions_[slot])
      keep->check_deadline(now);
  target_->tick();
  if (auto* x = certificate()) {
    x->context(); // Files that changed are noticed although nobody connects.
    counters_.tls_valid_until_s.store(x->valid_until_s(), std::memory_order_relaxed);
  }
  sweep_timer_.expires_after(sweep_period);
  sweep_timer_.async_wait([this](const error_code& ec) {
    if (!ec)
      sweep();
  });
}

void listener::say_goodbye() {
  asio::post(io_, [this] { says_goodbye_ = true; });
}

void listener::drain() {
  asio::post(io_, [this] {
    error_code ignored;
    acceptor_.close(ignored);
    draining_ = true;
    for (size_t slot = 0; slot < sessions_.size(); ++slot)
      if (auto keep = sessions_[slot])
        keep->drain();
    if (open_ == 0) {
      std::lock_guard guard{mutex_};
      empty_ = true;
      emptied_.notify_all();
    }
  });
}

void listener::wait_until_empty(std::chrono::steady_clock::time_point end) {
  std::unique_lock guard{mutex_};
  emptied_.wait_until(guard, end, [this] { return empty_; });
}

void listener::stop() {
  queue_->close();
  io_.stop();
  if (thread_.joinable())
    thread_.join();
  // Sessions go before the context their sockets belong to.
  for (auto& x : sessions_)
    if (x)
      counters_.http_connections.fetch_sub(1, std::memory_order_relaxed);
  sessions_.clear();
}

} // namespace footfall::http
