#include "net/tls/pem_files.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <sys/stat.h>

namespace footfall::tls {

namespace {

constexpr size_t file_most = 1 << 20;

} // namespace

file_stamp stamp_of(const std::string& path) {
  struct stat now {};
  if (::stat(path.c_str(), &now) != 0)
    return {};
  constexpr int64_t billion = 1'000'000'000;
  return {static_cast<int64_t>(now.st_dev), static_cast<int64_t>(now.st_ino),
          static_cast<int64_t>(now.st_size), now.st_mtim.tv_sec * billion + now.st_mtim.tv_nsec,
          now.st_ctim.tv_sec * billion + now.st_ctim.tv_nsec};
}

std::string read_pem_file(const std::string& path, std::string& out) {
  struct stat now {};
  if (::stat(path.c_str(), &now) == 0 && !S_ISREG(now.st_mode))
    return path + " is no file";
  errno = 0;
  std::ifstream in{path, std::ios::binary};
  if (!in)
    return path + " cannot be read: " + std::strerror(errno);
  out.resize(file_most);
  in.read(out.data(), static_cast<std::streamsize>(out.size()));
  out.resize(static_cast<size_t>(in.gcount()));
  return in.eof() ? std::string{} : path + " is too long for certificates, or cannot be read";
}

std::string read_identity(const std::string& certificate, const std::string& key, identity& out) {
  std::string chain_text, key_text;
  if (auto bad = read_pem_file(certificate, chain_text); !bad.empty())
    return bad;
  if (auto bad = read_pem_file(key, key_text); !bad.empty())
    return bad;
  out.chain = read_certificates(chain_text);
  if (out.chain.empty())
    return certificate + " holds no certificate in PEM form, or a broken one";
  out.key = read_key(key_text);
  if (!out.key)
    return key + " holds no key in PEM form, or one with a passphrase; a node needs it without";
  if (X509_check_private_key(out.chain[0].get(), out.key.get()) == 1)
    return {};
  openssl_reason();
  return key + " is not the key of " + certificate
         + "; take both from the same run of what made them";
}

} // namespace footfall::tls
