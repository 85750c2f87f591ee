#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace footfall::tls {

/// Ends what OpenSSL made with the function that OpenSSL has for it.
template <auto Free>
struct openssl_deleter {
  template <class T>
  void operator()(T* x) const noexcept {
    Free(x);
  }
};
using bio_ptr = std::unique_ptr<BIO, openssl_deleter<BIO_free_all>>;
using key_ptr = std::unique_ptr<EVP_PKEY, openssl_deleter<EVP_PKEY_free>>;
using x509_ptr = std::unique_ptr<X509, openssl_deleter<X509_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, openssl_deleter<X509_EXTENSION_free>>;

/// Why OpenSSL's last call on this thread failed; forgets it.
std::string openssl_reason();

/// All certificates of a PEM text; none when one of them is none.
std::vector<x509_ptr> read_certificates(const std::string& pem);

/// The first key of a PEM text. One with a passphrase is not read: nobody can be asked.
key_ptr read_key(const std::string& pem);

std::string write_certificate(X509& x);
std::string write_key(EVP_PKEY& x);

/// When it becomes and stops being valid, in seconds since 1970.
int64_t not_before_s(const X509& x);
int64_t not_after_s(const X509& x);

/// 4102444800 -> "2100-01-01".
std::string day_text(int64_t seconds);

/// Its common name first, then its DNS names; lower case, each once. Names with bytes that no
/// host name has are left out.
std::vector<std::string> names_of(const X509& x);

/// Its number in hexadecimal digits.
std::string serial_of(const X509& x);

} // namespace footfall::tls
