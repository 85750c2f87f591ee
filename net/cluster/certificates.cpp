#include "net/cluster/certificates.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>

#include <sys/stat.h>

#include <boost/asio/ssl/context.hpp>

#include "net/cluster/names.hpp"
#include "net/cluster/openssl.hpp"
#include "proto/error.hpp"

namespace footfall::cluster {

namespace ssl = boost::asio::ssl;

namespace {

constexpr size_t file_most = 1 << 20;
using store_ptr = std::unique_ptr<X509_STORE, openssl_deleter<X509_STORE_free>>;
using check_ptr = std::unique_ptr<X509_STORE_CTX, openssl_deleter<X509_STORE_CTX_free>>;

caf::error wrong(std::string text) {
  return make_error(errc::invalid_argument, "certificates of the cluster: " + std::move(text));
}

caf::error read(const std::string& path, std::string& out) {
  struct stat now {};
  if (::stat(path.c_str(), &now) == 0 && !S_ISREG(now.st_mode))
    return wrong(path + " is no file");
  errno = 0;
  std::ifstream in{path, std::ios::binary};
  if (!in)
    return wrong(path + " cannot be read: " + std::strerror(errno)
                 + "; footfall certs makes the files that a node needs");
  out.resize(file_most);
  in.read(out.data(), static_cast<std::streamsize>(out.size()));
  out.resize(static_cast<size_t>(in.gcount()));
  return in.eof() ? caf::none : wrong(path + " is too long for certificates, or cannot be read");
}

/// The node's chain, its key and what it believes.
struct material {
  std::vector<x509_ptr> authorities;
  std::vector<x509_ptr> chain; ///< The node's own first.
  key_ptr key;
};

caf::error parse(const certificate_files& files, material& out) {
  std::string authority, certificate, key;
  for (auto [path, text] :
       {std::pair{&files.authority, &authority}, std::pair{&files.certificate, &certificate},
        std::pair{&files.key, &key}})
    if (auto bad = read(*path, *text))
      return bad;
  out.authorities = read_certificates(authority);
  if (out.authorities.empty())
    return wrong(files.authority + " holds no certificate in PEM form, or a broken one");
  out.chain = read_certificates(certificate);
  if (out.chain.empty())
    return wrong(files.certificate + " holds no certificate in PEM form, or a broken one");
  out.key = read_key(key);
  if (!out.key)
    return wrong(files.key
                 + " holds no key in PEM form, or one with a passphrase; a node needs "
                   "it without");
  if (X509_check_private_key(out.chain[0].get(), out.key.get()) != 1) {
    openssl_reason();
    return wrong(files.key + " is not the key of " + files.certificate
                 + "; take both from the same run of footfall certs");
  }
  return caf::none;
}

/// Others will check the same, at each connection: better to fail here, with a name.
caf::error verify(const certificate_files& files, const material& x, int purpose) {
  store_ptr store{X509_STORE_new()};
  for (const auto& authority : x.authorities)
    X509_STORE_add_cert(store.get(), authority.get());
  auto* rest = sk_X509_new_null();
  for (size_t i = 1; i < x.chain.size(); ++i)
    sk_X509_push(rest, x.chain[i].get());
  check_ptr check{X509_STORE_CTX_new()};
  X509_STORE_CTX_init(check.get(), store.get(), x.chain[0].get(), rest);
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
  const auto& end = ours ? *x.chain[0] : *x.authorities[0];
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
  const auto names = names_of(*x.chain[0]);
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
              && SSL_CTX_use_certificate(raw, x.chain[0].get()) == 1
              && SSL_CTX_use_PrivateKey(raw, x.key.get()) == 1;
  for (size_t i = 1; i < x.chain.size(); ++i)
    done = done && SSL_CTX_add1_chain_cert(raw, x.chain[i].get()) == 1;
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
  stamp out{};
  size_t at = 0;
  for (const auto* path : {&files_.authority, &files_.certificate, &files_.key}) {
    struct stat now {};
    if (::stat(path->c_str(), &now) != 0)
      now = {};
    constexpr int64_t billion = 1'000'000'000;
    for (const int64_t x :
         {static_cast<int64_t>(now.st_dev), static_cast<int64_t>(now.st_ino),
          static_cast<int64_t>(now.st_size), now.st_mtim.tv_sec * billion + now.st_mtim.tv_nsec,
          now.st_ctim.tv_sec * billion + now.st_ctim.tv_nsec})
      out[at++] = x;
  }
  return out;
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
  return loaded{std::move(context), not_after_s(*x.chain[0]), serial_of(*x.chain[0])};
}

std::shared_ptr<ssl::context> certificates::current() {
  // Looked at before it is read: what changes in between is seen the next time.
  if (const auto now = look(); now != seen_) {
    seen_ = now;
    auto read = load(files_);
    if (read) {
      loaded_ = std::move(*read);
      report_(files_.certificate + " was read again: serial " + loaded_.serial + ", valid until "
              + day_text(loaded_.valid_until_s));
    } else {
      report_(text_of(read.error()) + "; what was read before stays in use");
    }
  }
  return loaded_.context;
}

} // namespace footfall::cluster
