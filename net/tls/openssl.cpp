#include "net/tls/openssl.hpp"

#include <algorithm>
#include <ctime>

#include <openssl/err.h>
#include <openssl/pem.h>

namespace footfall::tls {

namespace {

/// The library's own would ask at the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

bio_ptr reader(const std::string& text) {
  return bio_ptr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

std::string taken(BIO& from) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(&from, &data);
  return {data, static_cast<size_t>(size)};
}

int64_t seconds_of(const ASN1_TIME* x) {
  std::tm parts{};
  return ASN1_TIME_to_tm(x, &parts) == 1 ? ::timegm(&parts) : 0;
}

void add_name(std::vector<std::string>& out, const ASN1_STRING* x) {
  std::string name{reinterpret_cast<const char*>(ASN1_STRING_get0_data(x)),
                   static_cast<size_t>(ASN1_STRING_length(x))};
  for (auto& c : name) {
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
    if (c <= ' ' || c >= 127) // A NUL in the middle has fooled others.
      return;
  }
  if (!name.empty() && std::find(out.begin(), out.end(), name) == out.end())
    out.push_back(std::move(name));
}

} // namespace

std::string openssl_reason() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  const char* text = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return text ? text : "unknown reason";
}

std::vector<x509_ptr> read_certificates(const std::string& pem) {
  std::vector<x509_ptr> out;
  auto from = reader(pem);
  while (auto* x = PEM_read_bio_X509(from.get(), nullptr, no_passphrase, nullptr))
    out.emplace_back(x);
  // It ends as it should when there is no further beginning.
  const auto why = ERR_peek_last_error();
  if (ERR_GET_LIB(why) != ERR_LIB_PEM || ERR_GET_REASON(why) != PEM_R_NO_START_LINE)
    out.clear();
  ERR_clear_error();
  return out;
}

key_ptr read_key(const std::string& pem) {
  auto from = reader(pem);
  key_ptr out{PEM_read_bio_PrivateKey(from.get(), nullptr, no_passphrase, nullptr)};
  ERR_clear_error();
  return out;
}

std::string write_certificate(X509& x) {
  bio_ptr out{BIO_new(BIO_s_mem())};
  return PEM_write_bio_X509(out.get(), &x) == 1 ? taken(*out) : std::string{};
}

std::string write_key(EVP_PKEY& x) {
  bio_ptr out{BIO_new(BIO_s_mem())};
  return PEM_write_bio_PrivateKey(out.get(), &x, nullptr, nullptr, 0, nullptr, nullptr) == 1
             ? taken(*out)
             : std::string{};
}

int64_t not_before_s(const X509& x) {
  return seconds_of(X509_get0_notBefore(&x));
}

int64_t not_after_s(const X509& x) {
  return seconds_of(X509_get0_notAfter(&x));
}

std::string day_text(int64_t seconds) {
  const auto at = static_cast<std::time_t>(seconds);
  std::tm parts{};
  char text[32];
  ::gmtime_r(&at, &parts);
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &parts)};
}

std::vector<std::string> names_of(const X509& x) {
  std::vector<std::string> out;
  const auto* subject = X509_get_subject_name(&x);
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;)
    add_name(out, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  std::unique_ptr<GENERAL_NAMES, openssl_deleter<GENERAL_NAMES_free>> names{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&x, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS)
      add_name(out, name->d.dNSName);
  }
  ERR_clear_error();
  return out;
}

std::string serial_of(const X509& x) {
  std::unique_ptr<BIGNUM, openssl_deleter<BN_free>> number{
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(&x), nullptr)};
  char* text = number ? BN_bn2hex(number.get()) : nullptr;
  std::string out = text ? text : "";
  OPENSSL_free(text);
  return out;
}

} // namespace footfall::tls
