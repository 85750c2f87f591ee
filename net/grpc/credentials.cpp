#include "net/grpc/credentials.hpp"

#include <unistd.h>

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <sys/mman.h>

namespace footfall::rpc {

namespace {

constexpr unsigned look_every_s = 1;

} // namespace

credentials::credentials(tls::server_certificate* certificate) : certificate_(certificate) {
  if (!certificate_)
    return;
  file_ = ::memfd_create("footfall-tls", MFD_CLOEXEC);
  refresh();
}

credentials::~credentials() {
  if (file_ >= 0)
    ::close(file_);
}

void credentials::refresh() {
  if (file_ < 0)
    return;
  auto now = certificate_->pem();
  if (now == written_)
    return;
  // In one step, but for its length: whoever reads in between reads again in a second.
  const auto size = static_cast<ssize_t>(now.size());
  if (::pwrite(file_, now.data(), now.size(), 0) == size && ::ftruncate(file_, size) == 0)
    written_ = std::move(now);
}

std::shared_ptr<grpc::ServerCredentials> credentials::get() const {
  namespace tried = grpc::experimental;
  if (!certificate_)
    return grpc::InsecureServerCredentials();
  if (written_.empty())
    return nullptr;
  // The key and its chain in one file, so that no pair is ever read in halves.
  const auto path = "/proc/self/fd/" + std::to_string(file_);
  tried::TlsServerCredentialsOptions options{
      std::make_shared<tried::FileWatcherCertificateProvider>(path, path, look_every_s)};
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  return tried::TlsServerCredentials(options);
}

} // namespace footfall::rpc
