#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <openssl/ssl.h>

#include "net/cluster/issuer.hpp"
#include "net/cluster/tunnel.hpp"
#include "tests/contract/await.hpp"
#include "tests/contract/temporary_folder.hpp"

namespace footfall::test {

int64_t now_s();

/// An authority and the files of nodes, made by the code of `footfall certs`.
class cluster_folder {
public:
  cluster_folder();
  /// Makes or replaces NAME.pem and NAME.key, by rename.
  void make(const std::string& name, std::vector<std::string> more_hosts = {});
  /// Valid from and until so many seconds from now.
  void make(const std::string& name, std::vector<std::string> more_hosts, int64_t from,
            int64_t until);
  void write(const std::string& file, const std::string& text);
  std::string path(const std::string& file) const { return folder_.path() + "/" + file; }
  cluster::certificate_files files(const std::string& name) const;

private:
  temporary_folder folder_;
  cluster::pem_pair authority_;
};

/// A TCP socket on loopback whose calls end by themselves.
class plain_socket {
public:
  plain_socket() = default;
  explicit plain_socket(int handle);
  plain_socket(plain_socket&& x) noexcept : handle_(x.handle_) { x.handle_ = -1; }
  plain_socket& operator=(plain_socket&& x) noexcept;
  ~plain_socket() { close(); }
  /// @param from an address of its own, in 127.0.0.0/8
  static plain_socket to(uint16_t port, uint32_t from = 0x7f000001);

  bool send(const std::string& bytes);
  /// @returns what came first, "" at the end or when nothing comes for `wait`
  std::string receive(size_t most = 1 << 16, std::chrono::milliseconds wait = patience);
  std::string receive_all(size_t size);                  ///< Or less at the end.
  bool ended(std::chrono::milliseconds wait = patience); ///< Nothing more comes, ever.
  bool is_open() const { return handle_ >= 0; }
  int handle() const { return handle_; }
  int release();
  void close();

private:
  int handle_ = -1;
};

/// Listens on a free port of loopback.
class plain_server {
public:
  plain_server();
  uint16_t port() const { return port_; }
  plain_socket accept();

private:
  plain_socket socket_;
  uint16_t port_ = 0;
};

/// A tunnel with what it told. With certificates of `name`, or without any for "".
class tunnel_side {
public:
  struct options {
    std::string name{};
    uint16_t inner_port = 0;
    bool listens = true;
    std::vector<std::string> allowed{};
    cluster::tunnel_limits limits{};
  };
  tunnel_side(const cluster_folder& folder, options x);

  cluster::dial_answer dial(uint16_t port, const std::string& name,
                            const std::string& host = "127.0.0.1");
  uint16_t port() const { return tunnel_->port(); }
  uint64_t refused(refusal why) const;
  /// Waits until so many were refused for that reason.
  bool refuses(refusal why, uint64_t times = 1) const;
  const link_counters& counters() const { return tunnel_->counters(); }
  cluster::tunnel& operator*() { return *tunnel_; }
  std::vector<std::string> reports() const;
  std::vector<cluster::link_info> links() const;
  std::map<uint64_t, std::string> ends() const;
  void end() { tunnel_.reset(); }

private:
  struct told {
    mutable std::mutex mutex;
    std::vector<std::string> reports;
    std::vector<cluster::link_info> links;
    std::map<uint64_t, std::string> ends;
  };
  std::shared_ptr<told> told_ = std::make_shared<told>();
  std::unique_ptr<cluster::tunnel> tunnel_;
};

/// Two tunnels and a link between them, with its two ends.
struct linked_pair {
  explicit linked_pair(const cluster_folder& folder, tunnel_side::options server = {.name = "n1"},
                       tunnel_side::options client = {.name = "n2"});
  plain_server inner;
  tunnel_side server;
  tunnel_side client;
  plain_socket near; ///< At the side that dialled.
  plain_socket far;
};

/// A TLS connection made by hand; any certificate, or none ("").
class tls_stranger {
public:
  tls_stranger(const cluster_folder& folder, const std::string& name, int version = TLS1_3_VERSION);
  /// What the tunnel says first: a byte, or "" when it refuses.
  std::string greeting_of(uint16_t port, uint32_t from = 0x7f000001);
  /// Takes one connection as a server would, and holds it.
  bool serve(plain_socket socket);

private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  plain_socket socket_;
  std::unique_ptr<SSL, decltype(&SSL_free)> tls_;
};

/// What an attack may take of a core and keep of memory. Sanitizers take much more of both.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr double core_most = 1;
inline constexpr int64_t kept_kib_most = 256 << 10;
#else
inline constexpr double core_most = 0.3;
inline constexpr int64_t kept_kib_most = 10 << 10;
#endif

double cpu_seconds();    ///< Of this process.
double tunnel_seconds(); ///< Of the tunnels' threads that run now.
int64_t resident_kib();
/// So many descriptors may be open now; back at the end.
class descriptor_limit {
public:
  explicit descriptor_limit(uint64_t most);
  ~descriptor_limit();

private:
  uint64_t before_ = 0;
};
uint64_t descriptors_open();

} // namespace footfall::test
