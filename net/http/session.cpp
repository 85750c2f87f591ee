#include "net/http/session.hpp"

#include <cstdio>

#include <netinet/tcp.h>

#include <boost/asio/post.hpp>

#include "net/http/listener.hpp"
#include "net/http/path_pattern.hpp"

namespace footfall::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

namespace {

constexpr size_t kept_buffer = 64 << 10; ///< Bigger buffers are given back.
/// Of a stream, so that what a stalled reader costs is seen here and not kept by the kernel.
constexpr int stream_send_buffer = 16 << 10;
constexpr int stream_unsent_most = 8 << 10;

template <class Buffer>
void empty(Buffer& x) {
  if (x.capacity() > kept_buffer)
    x = Buffer{};
  else
    x.clear();
}

} // namespace

session::session(listener& owner, tcp::socket socket, uint32_t slot)
    : owner_(owner), bytes_(std::move(socket), owner.certificate()), reader_(owner.framing()) {
  exchange_.in = &reader_.get();
  exchange_.out = &out_;
  exchange_.counters = &owner.counters();
  exchange_.traces = owner.traces();
  exchange_.done.queue = owner.queue();
  exchange_.done.to.slot = slot;
  // Slots are used again: the generations of a slot never repeat.
  static std::atomic<uint64_t> sessions{0};
  exchange_.done.to.generation = ++sessions << 32;
}

void session::start() {
  error_code ec;
  auto& socket = bytes_.socket();
  exchange_.peer = socket.remote_endpoint(ec).address().to_string();
  ec.clear();
  socket.non_blocking(true, ec);
  if (!ec)
    socket.set_option(tcp::no_delay(true), ec);
  if (ec)
    return close();
  if (owner_.may_be_plain(socket))
    bytes_.let_choose();
  enter(bytes_.is_to_be_secured() ? phase::securing : phase::idle);
  wait_readable();
}

void session::enter(phase next) {
  phase_ = next;
  since_ = steady_clock::now();
}

void session::wait_readable() {
  if (waits_to_read_ || phase_ == phase::closed)
    return;
  waits_to_read_ = true;
  bytes_.socket().async_wait(tcp::socket::wait_read,
                             [self = shared_from_this()](const error_code& ec) {
                               self->waits_to_read_ = false;
                               if (self->phase_ == phase::closed)
                                 return;
                               if (ec)
                                 return self->close();
                               self->readable();
                             });
}

/// Goes on with `then` when the socket takes more, if the phase is the same still.
void session::wait_writable(phase during, void (session::*then)()) {
  bytes_.socket().async_wait(tcp::socket::wait_write,
                             [self = shared_from_this(), during, then](const error_code& bad) {
                               if (self->phase_ != during)
                                 return;
                               if (bad)
                                 return self->close();
                               (self.get()->*then)();
                             });
}

void session::secure() {
  switch (bytes_.secure()) {
  case progress::done: enter(phase::idle); return wait_readable();
  case progress::needs_read: return wait_readable();
  case progress::needs_write: return wait_writable(phase::securing, &session::secure);
  case progress::ended:
  case progress::failed: break;
  }
  if (!bytes_.spoke_plainly())
    return close();
  add(owner_.counters().tls_failures);
  append_problem(out_, {owner_.date(), false, true, false},
                 {400, "tls_needed", "the port speaks TLS: use https:// instead of http://"});
  bytes_.write_plainly(out_);
  linger();
}

void session::readable() {
  if (phase_ == phase::securing)
    return secure();
  if (phase_ == phase::lingering)
    return discard();
  auto& scratch = owner_.scratch();
  const auto got = bytes_.read(scratch);
  if (got.state == progress::needs_read)
    return wait_readable();
  if (got.state == progress::needs_write) // An answer of TLS itself.
    return wait_writable(phase_, &session::readable);
  if (got.state != progress::done || stream_) // No client has more to ask while it streams.
    return close();
  if (in_.empty()) {
    take({scratch.data(), got.bytes});
  } else {
    in_.append(scratch.data(), got.bytes);
    take(in_);
  }
  work();
}

/// Goes on with what is there, then waits for more.
void session::work() {
  while (phase_ == phase::idle && !in_.empty())
    take(in_);
  if (phase_ != phase::idle && phase_ != phase::head && phase_ != phase::body)
    return;
  if (bytes_.is_at_end())
    return close();
  wait_readable();
}

/// Uses the bytes as far as possible and keeps the rest in `in_`, where they may
/// be already.
void session::take(std::string_view data) {
  size_t at = 0;
  for (bool goes_on = true; goes_on && at < data.size();) {
    size_t used = 0;
    goes_on = step(data.substr(at), used);
    at += used;
  }
  if (phase_ == phase::lingering || phase_ == phase::closed || at == data.size())
    empty(in_);
  else if (data.data() == in_.data())
    in_.erase(0, at);
  else
    in_.assign(data.substr(at));
}

/// One read of the parser. False when it cannot go on now.
bool session::step(std::string_view data, size_t& used) {
  if (phase_ == phase::idle)
    enter(phase::head);
  switch (reader_.read(data, used)) {
  case framing_state::needs_head: return false;
  case framing_state::needs_body:
    if (phase_ == phase::head) {
      if (auto bad = owner_.turns_away(exchange_)) { // Nobody's body is kept for a refusal.
        refuse(*bad);
        return false;
      }
      enter(phase::body);
    }
    if (exchange_.in->expects_continue && !continued_)
      say_continue();
    return false;
  case framing_state::complete: begin(!exchange_.in->keep_alive); break;
  case framing_state::refused: refuse(reader_.refusal()); break;
  }
  return phase_ == phase::idle;
}

void session::say_continue() {
  continued_ = true;
  if (owner_.target().refuses_head(*exchange_.in))
    return begin(true); // Nobody needs the body.
  constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
  if (bytes_.write(text).bytes != text.size())
    close();
}

/// Hands the request to the endpoint.
void session::begin(bool last) {
  add(owner_.counters().http_requests);
  auto& x = exchange_;
  x.answered = false;
  x.pending.clear();
  ++x.done.to.generation;
  x.who = {};
  x.frame = {owner_.date(), x.in->http_1_0, last || owner_.says_goodbye(),
             x.in->verb == method::head};
  name_request();
  enter(phase::answering);
  if (auto bad = owner_.turns_away(x))
    x.refuse(*bad);
  else
    owner_.target().start(x);
  if (x.answered)
    answer_request();
}

void session::finish(uint64_t generation, completion_value value) {
  if (phase_ != phase::answering || generation != exchange_.done.to.generation)
    return;
  exchange_.frame.date = owner_.date();
  exchange_.frame.close = exchange_.frame.close || owner_.says_goodbye();
  owner_.target().finish(exchange_, std::move(value));
  if (!exchange_.answered)
    return;
  answer_request();
  work();
}

/// By what its client calls it, if it does.
void session::name_request() {
  auto& x = exchange_;
  x.status = 0;
  x.is_slow = false;
  x.pattern = {};
  x.trace = {};
  const auto& given = x.in->value(header::traceparent);
  if (given.empty())
    return;
  x.trace = parse_traceparent(given);
  if (!x.trace)
    return;
  x.trace = next_span(x.trace);
  x.frame.extra = trace_header(x.trace);
}

/// Whoever is not let in, or asks for what is not there, writes nothing to the log.
void session::tell_of_request() {
  const auto& x = exchange_;
  const auto pattern = x.pattern.empty() ? path_pattern(x.in->path()) : x.pattern;
  auto text = [&] {
    const auto took = steady_clock::now() - since_;
    return std::string(to_text(x.in->verb)) + ' '
           + (pattern.empty() ? "another path" : std::string(pattern)) + ": "
           + std::to_string(x.status) + " in "
           + milliseconds_text(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  };
  if (x.status >= 500)
    x.traces->tell_failure(x.trace, "http", text);
  else if (x.status != 401 && x.status != 403 && !pattern.empty())
    x.traces->tell(x.trace, "http", text);
}

/// The answer stands in `out_`.
void session::answer_request() {
  if (exchange_.traces && (exchange_.trace.sampled || exchange_.status >= 500))
    tell_of_request();
  ++exchange_.done.to.generation; // A second answer would be for nobody.
  close_after_ = exchange_.frame.close;
  continued_ = false;
  reader_.next();
  if (exchange_.stream)
    begin_stream();
  flush();
}

void session::begin_stream() {
  stream_ = std::move(exchange_.stream);
  stream_->wake = [weak = weak_from_this()] {
    if (auto self = weak.lock())
      self->ask_stream_soon();
  };
  error_code ignored;
  auto& socket = bytes_.socket();
  socket.set_option(asio::socket_base::send_buffer_size(stream_send_buffer), ignored);
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &stream_unsent_most,
               sizeof stream_unsent_most);
  if (owner_.draining())
    stream_->end();
  wait_readable(); // That the client went.
}

/// Not at once: whoever wakes it goes through its streams, and this may end one.
void session::ask_stream_soon() {
  if (asks_stream_ || phase_ != phase::streaming)
    return;
  asks_stream_ = true;
  asio::post(bytes_.socket().get_executor(), [self = shared_from_this()] {
    self->asks_stream_ = false;
    self->ask_stream();
  });
}

/// Sends what is new, as one chunk.
void session::ask_stream() {
  if (phase_ != phase::streaming)
    return; // flush() comes here when it may be asked again.
  const bool chunked = !exchange_.frame.http_1_0;
  std::string news;
  stream_->take(news);
  if (!news.empty() && chunked) {
    char size[24];
    std::snprintf(size, sizeof size, "%zx\r\n", news.size());
    out_ += size;
    out_ += news;
    out_ += "\r\n";
  } else {
    out_ += news;
  }
  if (stream_->is_over()) {
    stream_.reset();
    close_after_ = true;
    out_ += chunked ? "0\r\n\r\n" : "";
  }
  if (!out_.empty() || !stream_)
    flush();
}

/// Ends the connection with a problem.
void session::refuse(const problem& x) {
  exchange_.frame = {owner_.date(), false, true, exchange_.in->verb == method::head};
  if (phase_ != phase::answering) // Else it has its name.
    name_request();
  else if (exchange_.trace)
    exchange_.frame.extra = trace_header(exchange_.trace);
  exchange_.refuse(x);
  answer_request();
}

/// Writes what the socket takes. True once all is written and the next request
/// may begin.
bool session::flush() {
  while (out_sent_ < out_.size()) {
    const auto sent = bytes_.write(std::string_view(out_).substr(out_sent_));
    if (sent.state == progress::needs_write) {
      enter(phase::writing);
      wait_writable(phase::writing, &session::flush_and_work);
      return false;
    }
    if (sent.state != progress::done) {
      close();
      return false;
    }
    out_sent_ += sent.bytes;
  }
  empty(out_);
  out_sent_ = 0;
  if (stream_) {
    enter(phase::streaming);
    ask_stream();
    return false;
  }
  if (close_after_) {
    linger();
    return false;
  }
  enter(phase::idle);
  return true;
}

void session::flush_and_work() {
  if (flush())
    work();
}

} // namespace footfall::http
