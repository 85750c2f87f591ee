#include "net/cluster/tls_checks.hpp"

#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>

#include "net/tls/openssl.hpp"

namespace footfall::cluster {

using namespace tls;

namespace {

/// What the library failed of; 0 if it is not the library that failed.
int reason_of(const error_code& ec) {
  if (ec.category() != asio::error::get_ssl_category())
    return 0;
  return ERR_GET_REASON(static_cast<unsigned long>(ec.value()));
}

/// The other side said so before it closed.
bool is_alert(int reason) {
  return reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256;
}

bool went_away(const error_code& ec) {
  return ec == asio::error::eof || ec == ssl::error::stream_truncated
         || ec == asio::error::connection_reset || ec == asio::error::broken_pipe;
}

} // namespace

refusal why_refused(const error_code& ec, SSL* tls) {
  if (went_away(ec))
    return refusal::broken_off;
  const int reason = reason_of(ec);
  if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
    return refusal::no_certificate;
  if (is_alert(reason))
    return refusal::refused_us;
  if (reason != SSL_R_CERTIFICATE_VERIFY_FAILED)
    return refusal::not_tls;
  switch (SSL_get_verify_result(tls)) {
  case X509_V_ERR_CERT_HAS_EXPIRED:
  case X509_V_ERR_CERT_NOT_YET_VALID: return refusal::expired;
  default: return refusal::foreign_authority;
  }
}

dial_outcome why_failed(const error_code& ec) {
  if (went_away(ec))
    return dial_outcome::no_peer;
  const int reason = reason_of(ec);
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
    return dial_outcome::not_trusted;
  return is_alert(reason) ? dial_outcome::refused_us : dial_outcome::no_peer;
}

std::string details_of(const error_code& ec, SSL* tls) {
  const int reason = reason_of(ec);
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
    return X509_verify_cert_error_string(SSL_get_verify_result(tls));
  const char* text =
      reason != 0 ? ERR_reason_error_string(static_cast<unsigned long>(ec.value())) : nullptr;
  return text ? text : ec.message();
}

void read_peer(SSL* tls, link_info& out) {
  x509_ptr shown{SSL_get1_peer_certificate(tls)};
  if (!shown)
    return;
  out.names = names_of(*shown);
  out.serial = serial_of(*shown);
}

bool expect_name(SSL* tls, const std::string& name) {
  error_code no_address;
  asio::ip::make_address(name, no_address);
  auto* rules = SSL_get0_param(tls);
  if (!no_address)
    return X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str()) == 1;
  SSL_set_hostflags(tls, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return !name.empty() && SSL_set1_host(tls, name.c_str()) == 1
         && SSL_set_tlsext_host_name(tls, name.c_str()) == 1;
}

} // namespace footfall::cluster
