#include <fstream>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/cluster/issuer.hpp"
#include "tests/contract/http_fixture.hpp"
#include "tests/contract/temporary_folder.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

using clock_type = std::chrono::steady_clock;

/// A client whose bytes can be kept back.
class tls_client {
public:
  explicit tls_client(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    tls_ = SSL_new(context_);
    SSL_set_bio(tls_, in_, out_);
    SSL_set_connect_state(tls_);
    while (SSL_do_handshake(tls_) != 1) {
      send(waiting());
      REQUIRE(receive());
    }
    send(waiting());
  }
  ~tls_client() {
    SSL_free(tls_);
    SSL_CTX_free(context_);
    ::close(fd_);
  }
  tls_client(const tls_client&) = delete;

  std::string ask(std::string_view text) {
    SSL_write(tls_, text.data(), static_cast<int>(text.size()));
    send(waiting());
    char answer[4096];
    int got = 0;
    while ((got = SSL_read(tls_, answer, sizeof answer)) <= 0)
      if (!receive())
        return {};
    return {answer, static_cast<size_t>(got)};
  }

  /// Records that change keys and carry no data.
  std::string key_updates(int count) {
    for (int i = 0; i < count; ++i) {
      REQUIRE(SSL_key_update(tls_, SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
      REQUIRE(SSL_do_handshake(tls_) == 1);
    }
    return waiting();
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0)
        return;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }

private:
  std::string waiting() {
    std::string out(static_cast<size_t>(BIO_pending(out_)), '\0');
    if (!out.empty())
      BIO_read(out_, out.data(), static_cast<int>(out.size()));
    return out;
  }
  bool receive() {
    char bytes[16384];
    const auto n = ::recv(fd_, bytes, sizeof bytes, 0);
    if (n > 0)
      BIO_write(in_, bytes, static_cast<int>(n));
    return n > 0;
  }

  int fd_;
  SSL_CTX* context_ = SSL_CTX_new(TLS_client_method());
  BIO* in_ = BIO_new(BIO_s_mem());
  BIO* out_ = BIO_new(BIO_s_mem());
  SSL* tls_ = nullptr;
};

struct tls_fixture : http_fixture {
  tls_fixture() {
    const cluster::validity years{0, 4'000'000'000};
    const auto authority = cluster::make_authority("test", years);
    REQUIRE(authority);
    const auto made = cluster::issue_certificate(*authority, {"localhost"}, years);
    REQUIRE(made);
    std::ofstream{folder.path() + "/node.pem"} << made->certificate;
    std::ofstream{folder.path() + "/node.key"} << made->key;
    auto opened = tls::server_certificate::open(
        folder.path() + "/node.pem", folder.path() + "/node.key", [](const std::string&) {});
    REQUIRE(opened);
    certificate = std::move(*opened);
    config.certificate = certificate.get();
  }
  ~tls_fixture() { server.reset(); } // It shows the certificate.

  temporary_folder folder;
  std::unique_ptr<tls::server_certificate> certificate;
};

} // namespace

TEST_CASE_METHOD(tls_fixture, "who sends TLS and no data holds up nobody", "[net][http][tls]") {
  const auto at = ports();
  tls_client busy{at.query}, other{at.query};
  const auto bytes = busy.key_updates(40'000); // Some seconds of work.
  std::atomic<bool> sent{false};
  std::thread sender{[&] {
    busy.send(bytes);
    sent = true;
  }};
  auto longest = 0ms;
  int asked = 0;
  for (const auto end = clock_type::now() + 5s; !sent && clock_type::now() < end; ++asked) {
    const auto began = clock_type::now();
    CHECK(has(other.ask(get("/nowhere")), "HTTP/1.1 404"));
    longest = std::max(
        longest, std::chrono::duration_cast<std::chrono::milliseconds>(clock_type::now() - began));
  }
  sender.join();
  INFO("asked " << asked << " times, waited " << longest.count() << " ms at most");
  CHECK(longest < 300ms);
  CHECK(has(busy.ask(get("/nowhere")), "HTTP/1.1 404")); // And is served itself.
}
