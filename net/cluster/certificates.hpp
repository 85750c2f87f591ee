#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <caf/expected.hpp>

#include "net/tls/pem_files.hpp"

namespace boost::asio::ssl {
class context;
}

namespace footfall::cluster {

/// A line for the log.
using report_fn = std::function<void(const std::string&)>;

/// PEM files. Whoever replaces one does so by rename, so that none is read half written.
struct certificate_files {
  std::string authority;   ///< May hold several, while one takes another's place.
  std::string certificate; ///< This node's, perhaps with what is between it and the authority.
  std::string key;         ///< Without a passphrase.
  std::string node = {};   ///< The name that the certificate must have; empty: any.
};

/// What this node shows to others and what it believes, as the files are now. Connections that
/// are open keep what they were made with. One thread at a time.
class certificates {
public:
  /// @returns an error that names the file and says what to do: one is missing, is no PEM, has
  /// expired, or they do not fit each other.
  static caf::expected<std::unique_ptr<certificates>> open(certificate_files files,
                                                           report_fn report);

  /// For the next connection, as client or as server: TLS 1.3, and both sides must show a
  /// certificate. Reads files that changed; while these are broken, what was read before stays
  /// in use, and that is reported once.
  std::shared_ptr<boost::asio::ssl::context> current();

  int64_t valid_until_s() const noexcept { return loaded_.valid_until_s; }

private:
  struct loaded {
    std::shared_ptr<boost::asio::ssl::context> context;
    int64_t valid_until_s = 0;
    std::string serial;
  };
  /// Changes whenever one of the files does.
  using stamp = std::array<tls::file_stamp, 3>;

  certificates(certificate_files files, report_fn report)
      : files_(std::move(files)), report_(std::move(report)) {}
  stamp look() const;
  static caf::expected<loaded> load(const certificate_files& files);

  certificate_files files_;
  report_fn report_;
  stamp seen_{};        ///< Of what was read last; zeros when that failed.
  std::string trouble_; ///< What was told of the last try to read.
  loaded loaded_;
};

} // namespace footfall::cluster
