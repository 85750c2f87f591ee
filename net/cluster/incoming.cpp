#include "net/cluster/incoming.hpp"

#include <sys/socket.h>

#include "net/cluster/engine.hpp"
#include "net/cluster/names.hpp"
#include "net/cluster/tls_checks.hpp"

namespace footfall::cluster {

namespace {

/// How every TLS connection begins: a handshake record of version 3.x.
bool begins_tls(const uint8_t* bytes, ssize_t size) {
  return bytes[0] == 22 && (size < 2 || bytes[1] == 3);
}

} // namespace

incoming::incoming(engine& owner, ingress& door, tcp::socket socket, tcp::endpoint from)
    : owner_(owner), door_(door), from_(std::move(from)),
      wire_(std::make_unique<wire>(std::move(socket))), inner_(owner.io()), deadline_(owner.io()) {}

void incoming::start() {
  auto self = shared_from_this();
  deadline_.expires_after(owner_.config().limits.handshake);
  deadline_.async_wait([self](const error_code& ec) {
    if (!ec)
      self->refuse(refusal::timeout, "it did not finish its handshake");
  });
  tune(wire_->socket(), owner_.config().limits.unsent);
  if (!owner_.config().files)
    return admit();
  wire_->socket().async_wait(tcp::socket::wait_read, [self](const error_code& ec) {
    if (self->done_)
      return;
    if (ec)
      return self->refuse(refusal::broken_off, ec.message());
    self->first_byte();
  });
}

void incoming::first_byte() {
  uint8_t bytes[2];
  const auto got =
      ::recv(wire_->socket().native_handle(), bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
  if (got <= 0)
    return refuse(refusal::broken_off, "it went away without a word");
  if (!begins_tls(bytes, got))
    return refuse(refusal::not_tls, "what it sends is no TLS");
  if (!door_.may_begin(from_.address()))
    return refuse(refusal::too_many, "too many handshakes from its address");
  shake();
}

void incoming::shake() {
  begun_ = true;
  // Made here, not before it came: certificates that were replaced meanwhile count.
  wire_->secure(owner_.context());
  wire_->stream().async_handshake(
      ssl::stream_base::server,
      [self = shared_from_this()](const error_code& ec) { self->shaken(ec); });
}

void incoming::shaken(const error_code& ec) {
  if (done_)
    return;
  if (ec)
    return refuse(why_refused(ec, wire_->tls()), details_of(ec, wire_->tls()));
  read_peer(wire_->tls(), info_);
  if (!is_allowed(info_.names, owner_.config().allowed))
    return turn_away(greeting::wrong_name, refusal::wrong_name,
                     "its certificate is for " + (info_.names.empty() ? "nobody" : info_.names[0])
                         + ", who is not on the list");
  admit();
}

/// It may be a link. Is there room for it?
void incoming::admit() {
  if (!owner_.has_room())
    return turn_away(greeting::too_many, refusal::too_many, "there are too many links");
  reach_inner();
}

void incoming::reach_inner() {
  const tcp::endpoint place{asio::ip::address_v4::loopback(), owner_.config().inner_port};
  inner_.async_connect(place, [self = shared_from_this()](const error_code& ec) {
    if (self->done_)
      return;
    if (ec)
      return self->turn_away(greeting::not_ready, refusal::not_ready,
                             "nothing here serves it: " + ec.message());
    self->greet();
  });
}

void incoming::greet() {
  tune(inner_, owner_.config().limits.unsent);
  word_ = static_cast<uint8_t>(greeting::go);
  wire_->write(asio::buffer(&word_, 1), [self = shared_from_this()](const error_code& ec, size_t) {
    if (self->done_)
      return;
    if (ec)
      return self->refuse(refusal::broken_off, ec.message());
    if (!self->owner_.has_room()) // Others were quicker.
      return self->refuse(refusal::too_many, "there are too many links");
    self->leave();
    auto& owner = self->owner_;
    error_code ignored;
    self->info_.id = owner.next_id();
    self->info_.address = text_of(self->from_);
    self->info_.inner_port = self->inner_.local_endpoint(ignored).port();
    add(owner.counters().accepted);
    owner.open_link(std::move(self->info_), std::move(self->wire_), std::move(self->inner_));
  });
}

void incoming::turn_away(greeting word, refusal why, const std::string& details) {
  word_ = static_cast<uint8_t>(word);
  wire_->write(asio::buffer(&word_, 1),
               [self = shared_from_this(), why, details](const error_code&, size_t) {
                 self->refuse(why, details);
               });
}

void incoming::leave() {
  done_ = true;
  deadline_.cancel();
  door_.forget(*this);
}

void incoming::refuse(refusal why, const std::string& details) {
  if (done_)
    return;
  const auto keep = shared_from_this();
  leave();
  error_code ignored;
  wire_->socket().close(ignored);
  inner_.close(ignored);
  owner_.refused().note(why, text_of(from_), details, std::chrono::steady_clock::now());
}

} // namespace footfall::cluster
