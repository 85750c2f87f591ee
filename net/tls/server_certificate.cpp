#include "net/tls/server_certificate.hpp"

#include <ctime>
#include <string_view>

#include "proto/error.hpp"

namespace footfall::tls {

namespace {

constexpr auto look_every = std::chrono::seconds{1};

/// Of TLS 1.2, what Mozilla's "intermediate" list has with elliptic curves; 1.3 has no others.
constexpr const char* ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

/// A client that speaks only other protocols is told so before it sends them.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in,
                    unsigned in_size, void*) {
  static constexpr std::string_view ours = "\x08http/1.1";
  auto* name = const_cast<unsigned char*>(*out);
  const auto found =
      SSL_select_next_proto(&name, size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), in, in_size);
  *out = name;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

std::shared_ptr<SSL_CTX> make_context(const identity& own) {
  std::shared_ptr<SSL_CTX> out{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
  auto* x = out.get();
  bool done = x && SSL_CTX_set_min_proto_version(x, TLS1_2_VERSION) == 1
              && SSL_CTX_set_cipher_list(x, ciphers) == 1
              && SSL_CTX_use_certificate(x, own.chain[0].get()) == 1
              && SSL_CTX_use_PrivateKey(x, own.key.get()) == 1;
  for (size_t i = 1; done && i < own.chain.size(); ++i)
    done = SSL_CTX_add1_chain_cert(x, own.chain[i].get()) == 1;
  if (!done)
    return nullptr;
  SSL_CTX_set_session_cache_mode(x, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(x, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_num_tickets(x, 0);
  // An idle connection keeps no buffers; what is written may move meanwhile.
  SSL_CTX_set_mode(x, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE
                          | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One record a step: else who sends nothing but records of TLS itself keeps the thread.
  SSL_CTX_clear_mode(x, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_alpn_select_cb(x, choose_protocol, nullptr);
  return out;
}

std::string not_valid_now(const X509& x) {
  const auto now = static_cast<int64_t>(std::time(nullptr));
  if (not_after_s(x) < now)
    return "has expired on " + day_text(not_after_s(x)) + ", so most clients will refuse it";
  if (not_before_s(x) > now)
    return "is not valid before " + day_text(not_before_s(x))
           + ", so most clients will refuse it; is the clock of this machine right?";
  return {};
}

} // namespace

caf::expected<std::unique_ptr<server_certificate>>
server_certificate::open(std::string certificate, std::string key, report_fn report) {
  std::unique_ptr<server_certificate> out{
      new server_certificate(std::move(certificate), std::move(key), std::move(report))};
  out->seen_ = out->look();
  out->looked_at_ = std::chrono::steady_clock::now();
  if (const auto bad = out->load(); !bad.empty())
    return make_error(errc::invalid_argument, bad);
  return out;
}

/// @returns what was wrong; nothing has changed then.
std::string server_certificate::load() {
  identity own;
  if (auto bad = read_identity(certificate_, key_, own); !bad.empty())
    return bad;
  auto context = make_context(own);
  if (!context)
    return certificate_ + " cannot be used: " + openssl_reason();
  context_ = std::move(context);
  pem_ = write_key(*own.key);
  for (const auto& x : own.chain)
    pem_ += write_certificate(*x);
  valid_until_s_.store(not_after_s(*own.chain[0]), std::memory_order_relaxed);
  told_of_validity_ = not_valid_now(*own.chain[0]);
  if (!told_of_validity_.empty())
    report_(certificate_ + " " + told_of_validity_);
  return {};
}

/// Says once that the certificate which is shown has ended meanwhile.
void server_certificate::mind_the_end() {
  if (!told_of_validity_.empty() || std::time(nullptr) <= valid_until_s())
    return;
  told_of_validity_ = "has expired, so most clients will refuse it";
  report_(certificate_ + " " + told_of_validity_);
}

void server_certificate::read_what_changed() {
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_at_ < look_every)
    return;
  looked_at_ = now;
  mind_the_end();
  // Looked at before it is read: what changes in between is seen the next time.
  const auto found = look();
  if (found == seen_)
    return;
  seen_ = found;
  auto bad = load();
  if (bad.empty()) {
    report_(certificate_ + " was read again; it is valid until " + day_text(valid_until_s()));
  } else {
    seen_ = {}; // Tried again: it may be the machine that failed, and not the file.
    if (bad != trouble_)
      report_(bad + "; what was read before stays in use");
  }
  trouble_ = std::move(bad);
}

std::shared_ptr<SSL_CTX> server_certificate::context() {
  std::lock_guard guard{mutex_};
  read_what_changed();
  return context_;
}

std::string server_certificate::pem() {
  std::lock_guard guard{mutex_};
  read_what_changed();
  return pem_;
}

} // namespace footfall::tls
