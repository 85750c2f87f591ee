#include "net/cluster/certificates.hpp"

#include <utility>

#include <boost/asio/ssl/context.hpp>

#include "net/cluster/names.hpp"
#include "net/tls/openssl.hpp"
#include "net/tls/pem_files.hpp"
#include "proto/error.hpp"

namespace footfall::cluster {

using namespace tls;

namespace ssl = boost::asio::ssl;

namespace {

using store_ptr = std::unique_ptr<X509_STORE, openssl_deleter<X509_STORE_free>>;
using check_ptr = std::unique_ptr<X509_STORE_CTX, openssl_deleter<X509_STORE_CTX_free>>;

caf::error wrong(std::string text) {
  return make_error(errc::invalid_argument, "certificates of the cluster: " + std::move(text));
}

caf::error read(const std::string& path, std::string& out) {
  const auto bad = read_pem_file(path, out);
  return bad.empty() ? caf::none
                     : wrong(bad + "; footfall certs makes the files that a node needs");
}

/// The node's chain, its key and what it believes.
struct material {
  std::vector<x509_ptr> authorities;
  identity own;
};

caf::error parse(const certificate_files& files, material& out) {
  std::string authority;
  if (auto bad = read(files.authority, authority))
    return bad;
  out.authorities = read_certificates(authority);
  if (out.authorities.empty())
    return wrong(files.authority + " holds no certificate in PEM form, or a broken one");
  if (const auto bad = read_identity(files.certificate, files.key, out.own); !bad.empty())
    return wrong(bad + "; footfall certs makes the files that a node needs");
  return caf::none;
}

/// Others will check the same, at each connection: better to fail here, with a name.
caf::error verify(const certificate_files& files, const material& x, int purpose) {
  store_ptr store{X509_STORE_new()};
  for (const auto& authority : x.authorities)
    X509_STORE_add_cert(store.get(), authority.get());
  auto* rest = sk_X509_new_null();
  for (size_t i = 1; i < x.own.chain.size(); ++i)
    sk_X509_push(rest, x.own.chain[i].get());
  check_ptr check{X509_STORE_CTX_new()};
  X509_STORE_CTX_init(check.get(), store.get(), x.own.chain[0].get(), rest);
  X509_STORE_CTX_set_purpose(check.get(), purpose);
  const bool good = X509_verify_cert(check.get()) == 1;
  const int why = X509_STORE_CTX_get_error(check.get());
  const bool ours = X509_STORE_CTX_get_error_depth(check.get()) == 0;
  check.reset();
  sk_X509_free(rest);
  openssl_reason();
  if (good)
    return caf::none;
  const auto& file = ours ? files.certificate : files.authority;
  const auto& end = ours ? *x.own.chain[0] : *x.authorities[0];
  switch (why) {
  case X509_V_ERR_CERT_HAS_EXPIRED:
    return wrong(file + " has expired on " + day_text(not_after_s(end)) + "; footfall certs "
                 + (ours ? "--force makes another"
                         : "in an empty folder makes another, and all nodes need new files then"));
  case X509_V_ERR_CERT_NOT_YET_VALID:
    return wrong(file + " is not valid before " + day_text(not_before_s(end))
                 + "; is the clock of this machine right?");
  case X509_V_ERR_INVALID_PURPOSE:
    return wrong(files.certificate + " may not be used as server and client both; a node is both");
  default:
    return wrong(files.certificate + " is not signed by " + files.authority + " ("
                 + X509_verify_cert_error_string(why)
                 + "); all nodes of a cluster have one authority");
  }
}

/// Others would refuse it: they dial a node by its name.
caf::error check_name(const certificate_files& files, const material& x) {
  const auto names = names_of(*x.own.chain[0]);
  if (files.node.empty() || (!names.empty() && is_allowed(names, {files.node})))
    return caf::none;
  std::string list;
  for (const auto& name : names)
    list += (list.empty() ? "" : ", ") + name;
  return wrong(files.certificate + " is for " + (list.empty() ? "no name" : list)
               + ", and not for this node's name " + files.node
               + "; footfall certs makes one for it, or give --node-name one that it has");
}

std::shared_ptr<ssl::context> make_context(const material& x) {
  auto out = std::make_shared<ssl::context>(ssl::context::tls);
  auto* raw = out->native_handle();
  bool done = SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) == 1
              && SSL_CTX_use_certificate(raw, x.own.chain[0].get()) == 1
              && SSL_CTX_use_PrivateKey(raw, x.own.key.get()) == 1;
  for (size_t i = 1; i < x.own.chain.size(); ++i)
    done = done && SSL_CTX_add1_chain_cert(raw, x.own.chain[i].get()) == 1;
  for (const auto& authority : x.authorities)
    done = done && X509_STORE_add_cert(SSL_CTX_get_cert_store(raw), authority.get()) == 1;
  // Nothing is resumed: each connection shows certificates, and they are checked as of now.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return done ? out : nullptr;
}

} // namespace

caf::expected<std::unique_ptr<certificates>> certificates::open(certificate_files files,
                                                                report_fn report) {
  std::unique_ptr<certificates> out{new certificates(std::move(files), std::move(report))};
  out->seen_ = out->look();
  auto read = load(out->files_);
  if (!read)
    return read.error();
  out->loaded_ = std::move(*read);
  return out;
}

certificates::stamp certificates::look() const {
  return {stamp_of(files_.authority), stamp_of(files_.certificate), stamp_of(files_.key)};
}

caf::expected<certificates::loaded> certificates::load(const certificate_files& files) {
  material x;
  if (auto bad = parse(files, x))
    return bad;
  for (int purpose : {X509_PURPOSE_SSL_SERVER, X509_PURPOSE_SSL_CLIENT})
    if (auto bad = verify(files, x, purpose))
      return bad;
  if (auto bad = check_name(files, x))
    return bad;
  auto context = make_context(x);
  if (!context)
    return wrong(files.certificate + " cannot be used: " + openssl_reason());
  return loaded{std::move(context), not_after_s(*x.own.chain[0]), serial_of(*x.own.chain[0])};
}

std::shared_ptr<ssl::context> certificates::current() {
  // Looked at before it is read: what changes in between is seen the next time.
  if (const auto now = look(); now != seen_) {
    seen_ = now;
    auto read = load(files_);
    if (read) {
      loaded_ = std::move(*read);
      trouble_.clear();
      report_(files_.certificate + " was read again: serial " + loaded_.serial + ", valid until "
              + day_text(loaded_.valid_until_s));
    } else {
      seen_ = {}; // Tried again: it may be the machine that failed, and not the file.
      if (const auto bad = text_of(read.error()); std::exchange(trouble_, bad) != bad)
        report_(bad + "; what was read before stays in use");
    }
  }
  return loaded_.context;
}

} // namespace footfall::cluster
