/// How a connection ends: in time, in order, or because it is asked to.
#include "net/http/listener.hpp"
#include "net/http/session.hpp"

namespace footfall::http {

using boost::system::error_code;
using std::chrono::steady_clock;

namespace {

constexpr size_t discard_most = 16 << 20;
constexpr auto linger_most = std::chrono::seconds{2};

} // namespace

/// Closes without a reset: what the client still sends is read and dropped, so
/// that it gets to read our answer.
void session::linger() {
  if (!bytes_.shut_down())
    return close();
  enter(phase::lingering);
  wait_readable();
}

void session::discard() {
  const auto got = bytes_.receive(owner_.scratch());
  if (got.state == progress::needs_read)
    return wait_readable();
  discarded_ += got.bytes;
  if (got.state != progress::done || discarded_ > discard_most)
    return close();
  wait_readable();
}

void session::check_deadline(steady_clock::time_point now) {
  const auto& config = owner_.config();
  const auto age = now - since_;
  switch (phase_) {
  case phase::securing:
    if (age > config.header_timeout)
      close();
    return;
  case phase::idle:
    if (age > config.idle_timeout)
      close();
    return;
  case phase::head:
    if (age > config.header_timeout)
      refuse({408, "request_timeout", "the head of the request did not come in time", true});
    return;
  case phase::body: {
    const auto seconds = std::chrono::duration<double>(age).count();
    const auto least = seconds * static_cast<double>(config.body_rate);
    if (age > config.body_grace && static_cast<double>(reader_.wire_bytes()) < least)
      refuse({408, "request_timeout", "the body of the request came too slowly", true});
    return;
  }
  case phase::answering:
    if (age > (exchange_.is_slow ? config.admin_answer_timeout : config.answer_timeout)) {
      problem late{503, "timeout", "no answer came in time; send the request again", true};
      late.members = ",\"outcome\":\"unknown\"";
      refuse(late);
    }
    return;
  case phase::writing:
    if (age > config.write_timeout)
      close();
    return;
  case phase::streaming: return; // It has news, or a beat, every few seconds.
  case phase::lingering:
    if (age > linger_most)
      close();
    return;
  case phase::closed: return;
  }
}

void session::drain() {
  if (phase_ == phase::idle || phase_ == phase::securing)
    close();
  else if (stream_)
    stream_->end();
}

bool session::end_if_idle(steady_clock::time_point since) {
  error_code ec;
  const bool is_idle = phase_ == phase::idle || (phase_ == phase::securing && !bytes_.has_begun());
  if (!is_idle || since_ > since || bytes_.socket().available(ec) > 0)
    return false; // A request may have come that was not read yet.
  close();
  return true;
}

void session::close() {
  if (phase_ == phase::closed)
    return;
  if (phase_ == phase::securing && bytes_.has_begun())
    add(owner_.counters().tls_failures);
  phase_ = phase::closed;
  ++exchange_.done.to.generation;
  stream_.reset();
  bytes_.close();
  owner_.forget(exchange_.done.to.slot);
}

} // namespace footfall::http
