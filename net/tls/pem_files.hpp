#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "net/tls/openssl.hpp"

/// Certificates and keys as files. Whoever replaces one does so by rename, so that none is read
/// half written.
namespace footfall::tls {

/// Which file is there and when it was changed: another whenever the file is.
using file_stamp = std::array<int64_t, 5>;

/// All zeros when there is none.
file_stamp stamp_of(const std::string& path);

/// The whole of a file of at most 1 MiB. @returns what was wrong, with the path; empty: nothing.
std::string read_pem_file(const std::string& path, std::string& out);

/// What one side shows to the other, and proves to be its own.
struct identity {
  std::vector<x509_ptr> chain; ///< Its own certificate first, then what signed it.
  key_ptr key;
};

/// Reads both files and checks that they belong together; a key with a passphrase is refused,
/// as nobody can be asked. @returns what was wrong, with the path; empty: nothing.
std::string read_identity(const std::string& certificate, const std::string& key, identity& out);

} // namespace footfall::tls
