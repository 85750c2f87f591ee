#include "net/cluster/issuer.hpp"

#include <algorithm>

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/rand.h>

#include "net/tls/openssl.hpp"
#include "proto/error.hpp"

namespace footfall::cluster {

using namespace tls;

namespace {

constexpr size_t common_name_most = 64; // X.520 has no room for more.
constexpr size_t host_name_most = 253;
constexpr size_t label_most = 63;
constexpr size_t serial_bytes = 16;

caf::error failed(const char* step) {
  return make_error(errc::internal, std::string{"cannot "} + step + ": " + openssl_reason());
}

bool is_label(std::string_view x) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !x.empty() && x.size() <= label_most && x.front() != '-' && x.back() != '-'
         && std::all_of(x.begin(), x.end(), fits);
}

bool is_host_name(std::string_view x) {
  if (x.empty() || x.size() > host_name_most)
    return false;
  for (size_t at = 0; at <= x.size();) {
    const auto end = std::min(x.find('.', at), x.size());
    if (!is_label(x.substr(at, end - at)))
      return false;
    at = end + 1;
  }
  return true;
}

bool set_serial(X509& x) {
  unsigned char bytes[serial_bytes];
  if (RAND_bytes(bytes, sizeof bytes) != 1)
    return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x3f) | 0x40); // Positive, of full length.
  std::unique_ptr<BIGNUM, openssl_deleter<BN_free>> number{BN_bin2bn(bytes, sizeof bytes, nullptr)};
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&x)) != nullptr;
}

bool set_subject(X509& x, const std::string& common_name) {
  auto* subject = X509_get_subject_name(&x);
  const auto put = [&](const char* field, const std::string& text) {
    return X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()), -1, 0)
           == 1;
  };
  return put("O", "Footfall") && (common_name.size() > common_name_most || put("CN", common_name));
}

/// @param value in OpenSSL's words; never what a person wrote
bool add_extension(X509& x, X509& issuer, int kind, const char* value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, &issuer, &x, nullptr, nullptr, 0);
  extension_ptr made{X509V3_EXT_conf_nid(nullptr, &context, kind, value)};
  return made && X509_add_ext(&x, made.get(), -1) == 1;
}

bool add_hosts(X509& x, const std::vector<host_or_address>& hosts) {
  std::unique_ptr<GENERAL_NAMES, openssl_deleter<GENERAL_NAMES_free>> names{GENERAL_NAMES_new()};
  for (const auto& host : hosts) {
    std::unique_ptr<GENERAL_NAME, openssl_deleter<GENERAL_NAME_free>> name{a2i_GENERAL_NAME(
        nullptr, nullptr, nullptr, host.is_address ? GEN_IPADD : GEN_DNS, host.text.c_str(), 0)};
    if (!names || !name || sk_GENERAL_NAME_push(names.get(), name.get()) <= 0)
      return false;
    static_cast<void>(name.release());
  }
  return X509_add1_ext_i2d(&x, NID_subject_alt_name, names.get(), 0, X509V3_ADD_APPEND) == 1;
}

x509_ptr blank(EVP_PKEY& key, const std::string& common_name, validity when) {
  x509_ptr out{X509_new()};
  const bool done = out && X509_set_version(out.get(), X509_VERSION_3) == 1 && set_serial(*out)
                    && ASN1_TIME_set(X509_getm_notBefore(out.get()), when.from_s)
                    && ASN1_TIME_set(X509_getm_notAfter(out.get()), when.until_s)
                    && X509_set_pubkey(out.get(), &key) == 1 && set_subject(*out, common_name);
  return done ? std::move(out) : nullptr;
}

} // namespace

caf::expected<host_or_address> read_host(const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  for (int family : {AF_INET, AF_INET6})
    if (::inet_pton(family, text.c_str(), bytes) == 1)
      return host_or_address{text, true};
  // What ends in a number is an address that is wrong: 10.0.0.256.
  const auto last = text.substr(text.rfind('.') + 1);
  const bool number = !last.empty() && last.find_first_not_of("0123456789") == std::string::npos
                      && text.find('.') != std::string::npos;
  if (number || !is_host_name(text))
    return make_error(errc::invalid_argument, "\"" + text + "\" is no host name and no address");
  return host_or_address{text, false};
}

caf::expected<pem_pair> make_authority(const std::string& name, validity when) {
  key_ptr key{EVP_EC_gen("P-256")};
  if (!key)
    return failed("make a key");
  auto made = blank(*key, name, when);
  const bool done =
      made && X509_set_issuer_name(made.get(), X509_get_subject_name(made.get())) == 1
      && add_extension(*made, *made, NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
      && add_extension(*made, *made, NID_key_usage, "critical,keyCertSign,cRLSign")
      && add_extension(*made, *made, NID_subject_key_identifier, "hash")
      && X509_sign(made.get(), key.get(), EVP_sha256()) > 0;
  if (!done)
    return failed("make the authority");
  return pem_pair{write_certificate(*made), write_key(*key)};
}

caf::error check_authority(const pem_pair& authority, int64_t now_s) {
  const auto chain = read_certificates(authority.certificate);
  const auto wrong = [](const char* why) { return make_error(errc::invalid_argument, why); };
  if (chain.empty())
    return wrong("the authority's certificate is no PEM");
  const auto key = read_key(authority.key);
  if (!key)
    return wrong("the authority's key is no PEM, or has a passphrase");
  if (X509_check_private_key(chain[0].get(), key.get()) != 1) {
    openssl_reason();
    return wrong("the authority's key is of another certificate");
  }
  if (X509_check_ca(chain[0].get()) != 1)
    return wrong("the authority's certificate may not sign others");
  if (not_after_s(*chain[0]) <= now_s)
    return wrong("the authority's certificate has expired");
  return caf::none;
}

caf::expected<pem_pair> issue_certificate(const pem_pair& authority,
                                          const std::vector<std::string>& hosts, validity when) {
  const auto chain = read_certificates(authority.certificate);
  const auto signer = read_key(authority.key);
  if (chain.empty() || !signer || hosts.empty())
    return make_error(errc::invalid_argument, "a certificate needs an authority and a name");
  auto& issuer = *chain[0];
  std::vector<host_or_address> read;
  for (const auto& host : hosts) {
    auto one = read_host(host);
    if (!one)
      return one.error();
    read.push_back(std::move(*one));
  }
  when.until_s = std::min(when.until_s, not_after_s(issuer));
  key_ptr key{EVP_EC_gen("P-256")};
  if (!key)
    return failed("make a key");
  auto made = blank(*key, hosts[0], when);
  const bool done = made && X509_set_issuer_name(made.get(), X509_get_subject_name(&issuer)) == 1
                    && add_extension(*made, issuer, NID_basic_constraints, "critical,CA:FALSE")
                    && add_extension(*made, issuer, NID_key_usage, "critical,digitalSignature")
                    && add_extension(*made, issuer, NID_ext_key_usage, "serverAuth,clientAuth")
                    && add_extension(*made, issuer, NID_subject_key_identifier, "hash")
                    && add_extension(*made, issuer, NID_authority_key_identifier, "keyid")
                    && add_hosts(*made, read)
                    && X509_sign(made.get(), signer.get(), EVP_sha256()) > 0;
  if (!done)
    return failed("make a certificate");
  return pem_pair{write_certificate(*made), write_key(*key)};
}

} // namespace footfall::cluster
