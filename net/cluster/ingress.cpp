#include "net/cluster/ingress.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "net/cluster/engine.hpp"
#include "net/cluster/incoming.hpp"
#include "proto/error.hpp"

namespace footfall::cluster {

namespace {

/// What waits here at the most waits for a third of a second at our pace: less than a dial.
constexpr int backlog = 1024;
constexpr double accept_burst = 128;
constexpr auto accept_wait = std::chrono::milliseconds{10};

/// Who has one IPv6 address mostly has 2^64 of them.
uint64_t bucket_of(const asio::ip::address& x, uint64_t seed) {
  uint64_t number = 0;
  if (x.is_v4() || x.to_v6().is_v4_mapped()) {
    number = x.is_v4() ? x.to_v4().to_uint()
                       : asio::ip::make_address_v4(asio::ip::v4_mapped, x.to_v6()).to_uint();
  } else {
    const auto bytes = x.to_v6().to_bytes();
    for (size_t i = 0; i < 8; ++i)
      number = number << 8 | bytes[i];
  }
  number = (number ^ seed) * 0x9e3779b97f4a7c15;
  return (number ^ number >> 29) * 0xbf58476d1ce4e5b9 >> 32;
}

} // namespace

bool allowance::take(clock::time_point now, double a_second, double burst) {
  const auto passed = std::chrono::duration<double>(now - at_).count();
  left_ = used_ ? std::min(burst, left_ + passed * a_second) : burst;
  used_ = true;
  at_ = now;
  if (left_ < 1)
    return false;
  left_ -= 1;
  return true;
}

ingress::ingress(engine& owner)
    : owner_(owner), acceptor_(owner.io()), pause_(owner.io()), seed_(std::random_device{}()) {}

ingress::~ingress() = default;

caf::error ingress::open() {
  const auto& config = owner_.config();
  resolver::endpoints found;
  const auto why = find_now(config.host, config.port, found);
  const auto text = config.host + ":" + std::to_string(config.port);
  if (!why.empty())
    return make_error(errc::invalid_argument,
                      "cannot listen on " + text + " for the cluster: " + why);
  if (!config.files && !found[0].address().is_loopback())
    return make_error(errc::invalid_argument,
                      "without certificates the cluster may listen on loopback only, and " + text
                          + " is more; footfall certs makes certificates");
  if (auto bad = bind(found[0]))
    return make_error(errc::invalid_argument,
                      "cannot listen on " + text + " for the cluster: " + footfall::text_of(bad));
  accept();
  return caf::none;
}

caf::error ingress::bind(const tcp::endpoint& place) {
  error_code ec;
  acceptor_.open(place.protocol(), ec);
  if (!ec)
    acceptor_.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec)
    acceptor_.bind(place, ec);
  if (!ec)
    acceptor_.listen(backlog, ec);
  if (ec)
    return make_error(errc::invalid_argument, ec.message());
  port_ = acceptor_.local_endpoint(ec).port();
  return caf::none;
}

void ingress::accept() {
  acceptor_.async_accept([this](const error_code& ec, tcp::socket socket) {
    if (ec == asio::error::operation_aborted)
      return;
    if (ec)
      return accept_failed(ec);
    failing_ = false;
    admit(std::move(socket));
    if (accepts_.take(std::chrono::steady_clock::now(), owner_.config().limits.accepts_a_second,
                      accept_burst))
      accept();
    else
      accept_later(accept_wait);
  });
}

/// Mostly out of descriptors: the connection stays where it is, and without a pause we would
/// ask for it again and again.
void ingress::accept_failed(const error_code& ec) {
  if (ec == asio::error::connection_aborted)
    return accept();
  add(owner_.counters().accept_failures);
  if (!failing_)
    owner_.config().report("the cluster's port cannot take a connection: " + ec.message()
                           + "; it goes on trying");
  failing_ = true;
  accept_later(owner_.config().limits.accept_pause);
}

void ingress::accept_later(std::chrono::milliseconds pause) {
  pause_.expires_after(pause);
  pause_.async_wait([this](const error_code& ec) {
    if (!ec)
      accept();
  });
}

void ingress::admit(tcp::socket socket) {
  add(owner_.counters().came_in);
  error_code gone;
  const auto from = socket.remote_endpoint(gone);
  if (const auto leaves = who_makes_room(from.address()))
    leaves->refuse(refusal::too_many, "more connections came while it was no link yet");
  auto made = std::make_shared<incoming>(owner_, *this, std::move(socket), from);
  under_way_.push_back(made);
  add(owner_.counters().under_way);
  made->start();
}

/// @returns null while there is room. Who has begun TLS goes last: silence costs nothing, and a
/// flood of it must not push out those who come in earnest.
std::shared_ptr<incoming> ingress::who_makes_room(const asio::ip::address& from) const {
  const auto& limits = owner_.config().limits;
  std::shared_ptr<incoming> oldest, silent, own, own_silent;
  size_t owned = 0;
  for (const auto& x : under_way_) {
    const bool same = x->from().address() == from;
    owned += same ? 1 : 0;
    for (auto [fits, to] : {std::pair{true, &oldest}, std::pair{!x->has_begun(), &silent},
                            std::pair{same, &own}, std::pair{same && !x->has_begun(), &own_silent}})
      if (fits && !*to)
        *to = x;
  }
  if (owned >= limits.handshakes_an_address)
    return own_silent ? own_silent : own;
  if (under_way_.size() >= limits.handshakes)
    return silent ? silent : oldest;
  return nullptr;
}

bool ingress::may_begin(const asio::ip::address& from) {
  const auto& limits = owner_.config().limits;
  const auto now = std::chrono::steady_clock::now();
  return starts_[bucket_of(from, seed_) % starts_.size()].take(now, limits.tls_a_second,
                                                               limits.tls_burst)
         && all_starts_.take(now, limits.tls_a_second_in_all, limits.tls_burst_in_all);
}

void ingress::forget(incoming& x) {
  owner_.counters().under_way.fetch_sub(1, std::memory_order_relaxed);
  under_way_.remove_if([&](const auto& one) { return one.get() == &x; });
}

} // namespace footfall::cluster
