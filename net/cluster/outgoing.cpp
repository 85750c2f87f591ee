#include "net/cluster/outgoing.hpp"

#include <algorithm>
#include <random>

#include "actors/ports/peer_links.hpp"
#include "net/cluster/engine.hpp"
#include "net/cluster/own_socket.hpp"
#include "net/cluster/tls_checks.hpp"

namespace footfall::cluster {

namespace {

constexpr size_t places_most = 4; ///< Of one name that are tried.

bool is_ours(const error_code& ec) {
  return ec == asio::error::no_descriptors || ec.value() == ENFILE || ec.value() == ENOMEM
         || ec.value() == EADDRNOTAVAIL;
}

} // namespace

outgoing::outgoing(engine& owner, dial_request request)
    : owner_(owner), request_(std::move(request)),
      where_(request_.host + ":" + std::to_string(request_.port)), port_(owner.io()),
      deadline_(owner.io()), patience_(owner.io()) {}

void outgoing::start() {
  deadline_.expires_after(owner_.config().limits.dial);
  deadline_.async_wait([self = shared_from_this()](const error_code& ec) {
    if (!ec)
      self->fail(dial_outcome::timeout, "no answer in time");
  });
  owner_.dialler().names().find(
      request_.host, request_.port,
      [weak = weak_from_this()](const std::string& why, resolver::endpoints places) {
        if (const auto self = weak.lock(); self && !self->done_)
          self->found(why, std::move(places));
      });
}

void outgoing::found(const std::string& why, resolver::endpoints places) {
  if (places.empty())
    return fail(dial_outcome::name_unknown, "its name has no address: " + why);
  if (!owner_.config().files)
    for (const auto& place : places)
      if (!place.address().is_loopback())
        return fail(dial_outcome::unreachable,
                    "without certificates only loopback is dialled, and this is "
                        + place.address().to_string());
  places_ = std::move(places);
  if (request_.name == any_node) // Behind one name there may be many nodes, and this one.
    std::shuffle(places_.begin(), places_.end(), std::mt19937{std::random_device{}()});
  if (places_.size() > places_most)
    places_.resize(places_most);
  connect_next({});
}

/// @param before why the address before failed
void outgoing::connect_next(const std::string& before) {
  if (next_ == places_.size())
    return fail(dial_outcome::unreachable, before);
  // Each that is left gets the same share of the time that is left.
  const auto left = deadline_.expiry() - std::chrono::steady_clock::now();
  patience_.expires_after(left / (places_.size() - next_));
  const auto attempt = ++attempt_;
  wire_ = std::make_unique<wire>(tcp::socket{owner_.io()});
  wire_->socket().async_connect(places_[next_++],
                                [self = shared_from_this(), attempt](const error_code& ec) {
                                  if (!self->done_ && self->attempt_ == attempt)
                                    self->connected(ec);
                                });
  patience_.async_wait([self = shared_from_this(), attempt](const error_code& ec) {
    if (!ec && !self->done_ && self->attempt_ == attempt && self->next_ < self->places_.size())
      self->connect_next("no answer in time");
  });
}

void outgoing::connected(const error_code& ec) {
  patience_.cancel();
  if (ec && is_ours(ec))
    return fail(dial_outcome::overloaded, ec.message());
  if (ec)
    return connect_next(ec.message());
  ++attempt_; // The patience may have run out at this moment.
  tune(wire_->socket(), owner_.config().limits.unsent);
  if (owner_.config().files)
    shake();
  else
    await_greeting();
}

void outgoing::shake() {
  wire_->secure(owner_.context());
  // Whoever is at a seed says its name later, which its certificate must have then.
  if (request_.name != any_node && !expect_name(wire_->tls(), request_.name))
    return fail(dial_outcome::not_trusted,
                "\"" + request_.name + "\" is no name that a certificate can have");
  wire_->stream().async_handshake(
      ssl::stream_base::client, [self = shared_from_this()](const error_code& ec) {
        if (self->done_)
          return;
        if (!ec)
          return self->await_greeting();
        auto details = details_of(ec, self->wire_->tls());
        const auto why = why_failed(ec);
        if (why == dial_outcome::not_trusted)
          details = "its certificate is not taken"
                    + (self->request_.name == any_node ? "" : " as one for " + self->request_.name)
                    + ": " + details;
        self->fail(why, details);
      });
}

void outgoing::await_greeting() {
  if (wire_->tls())
    read_peer(wire_->tls(), info_);
  wire_->read_some(asio::buffer(&word_, 1),
                   [self = shared_from_this()](const error_code& ec, size_t got) {
                     if (!self->done_)
                       self->greeted(ec, got);
                   });
}

/// With TLS 1.3 only now do we know whether our certificate was taken.
void outgoing::greeted(const error_code& ec, size_t got) {
  if (ec || got != 1)
    return fail(why_failed(ec), details_of(ec, wire_->tls()));
  switch (static_cast<greeting>(word_)) {
  case greeting::go: return open_port();
  case greeting::wrong_name:
    return fail(dial_outcome::refused_us, "our certificate has no name that it allows");
  case greeting::too_many: return fail(dial_outcome::not_ready, "it has too many links");
  case greeting::not_ready: return fail(dial_outcome::not_ready, "nothing there serves links yet");
  }
  fail(dial_outcome::no_peer, "what answers there is no node of this version");
}

void outgoing::open_port() {
  if (!owner_.has_room())
    return fail(dial_outcome::overloaded, "there are too many links");
  error_code ec;
  const tcp::endpoint any{asio::ip::address_v4::loopback(), 0};
  port_.open(any.protocol(), ec);
  if (!ec)
    port_.bind(any, ec);
  if (!ec)
    port_.listen(1, ec);
  if (!ec)
    info_.inner_port = port_.local_endpoint(ec).port();
  if (ec)
    return fail(dial_outcome::overloaded, "no loopback port: " + ec.message());
  info_.id = owner_.next_id();
  info_.dialled = true;
  error_code ignored;
  info_.address = text_of(wire_->socket().remote_endpoint(ignored));
  deadline_.expires_after(owner_.config().limits.pick_up);
  deadline_.async_wait([self = shared_from_this()](const error_code& late) {
    if (!late)
      self->fail(dial_outcome::timeout, "this process did not use the port");
  });
  take();
  answer({dial_outcome::connected, {}, info_});
}

void outgoing::take() {
  port_.async_accept([self = shared_from_this()](const error_code& ec, tcp::socket socket) {
    if (!self->done_)
      self->taken(ec, std::move(socket));
  });
}

void outgoing::taken(const error_code& ec, tcp::socket socket) {
  if (ec)
    return fail(dial_outcome::overloaded, "no connection on the loopback port: " + ec.message());
  error_code gone;
  const auto from = socket.remote_endpoint(gone);
  const auto to = gone ? tcp::endpoint{} : socket.local_endpoint(gone);
  if (gone || !is_own_socket(from, to))
    return take(); // Somebody else on this machine; hung up on.
  error_code ignored;
  port_.close(ignored);
  tune(socket, owner_.config().limits.unsent);
  link_up(std::move(socket));
}

void outgoing::link_up(tcp::socket inner) {
  const auto keep = shared_from_this();
  leave();
  owner_.open_link(std::move(info_), std::move(wire_), std::move(inner));
}

void outgoing::answer(dial_answer x) {
  answered_ = true;
  const auto done = std::move(request_.done);
  done(x);
}

void outgoing::leave() {
  done_ = true;
  deadline_.cancel();
  patience_.cancel();
  owner_.dialler().forget(*this);
}

void outgoing::fail(dial_outcome why, const std::string& details) {
  if (done_)
    return;
  const auto keep = shared_from_this();
  leave();
  error_code ignored;
  if (wire_)
    wire_->socket().close(ignored);
  port_.close(ignored);
  if (answered_)
    return;
  add(owner_.counters().dials_failed);
  answer({why, where_ + ": " + details, {}});
}

} // namespace footfall::cluster
