#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <caf/expected.hpp>
#include <openssl/ssl.h>

#include "net/tls/pem_files.hpp"

namespace footfall::tls {

/// What the listeners of clients show, as the two files are now. Connections that are open keep
/// what they were made with. Any thread.
class server_certificate {
public:
  using report_fn = std::function<void(const std::string&)>;

  /// `report` gets a line when the files are read again, or cannot be, and when the certificate
  /// is not valid now: that is no error, as clients may not care.
  /// @returns an error that names the file and says what to do.
  static caf::expected<std::unique_ptr<server_certificate>> open(std::string certificate,
                                                                 std::string key, report_fn report);

  /// For the next connection: TLS 1.2 with forward secrecy and authenticated ciphers, or 1.3;
  /// HTTP/1.1 by ALPN; nothing is resumed, nothing negotiated twice. Looks at the files at most
  /// once a second; while they are broken, what was read before stays in use.
  std::shared_ptr<SSL_CTX> context();

  /// The key and the chain of now in PEM form, for a library that has a context of its own.
  std::string pem();

  /// When the certificate ends, in seconds since 1970.
  int64_t valid_until_s() const noexcept { return valid_until_s_.load(std::memory_order_relaxed); }

private:
  server_certificate(std::string certificate, std::string key, report_fn report)
      : certificate_(std::move(certificate)), key_(std::move(key)), report_(std::move(report)) {}
  using stamp = std::array<file_stamp, 2>;
  stamp look() const { return {stamp_of(certificate_), stamp_of(key_)}; }
  std::string load();
  void read_what_changed();
  void mind_the_end();

  const std::string certificate_, key_;
  const report_fn report_;
  std::mutex mutex_;
  stamp seen_{};                 ///< Of what was read last; zeros when that failed.
  std::string trouble_;          ///< What was told of the last try to read.
  std::string told_of_validity_; ///< Empty: it is valid as far as was told.
  std::chrono::steady_clock::time_point looked_at_{};
  std::shared_ptr<SSL_CTX> context_;
  std::string pem_;
  std::atomic<int64_t> valid_until_s_{0};
};

} // namespace footfall::tls
