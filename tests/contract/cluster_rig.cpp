#include "tests/contract/cluster_rig.hpp"

#include <ctime>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/error.hpp"

namespace footfall::test {

namespace {

constexpr int64_t year_s = 365 * 86'400;

template <class T>
T made(caf::expected<T> x) {
  if (!x)
    throw std::runtime_error(text_of(x.error()));
  return std::move(*x);
}

sockaddr_in loopback(uint16_t port, uint32_t address = INADDR_LOOPBACK) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_addr.s_addr = htonl(address);
  out.sin_port = htons(port);
  return out;
}

bool ready(int handle, short what, std::chrono::milliseconds wait) {
  pollfd x{handle, what, 0};
  return ::poll(&x, 1, static_cast<int>(wait.count())) > 0;
}

} // namespace

int64_t now_s() {
  return static_cast<int64_t>(std::time(nullptr));
}

cluster_folder::cluster_folder()
    : authority_(
        made(cluster::make_authority("test", {now_s() - 10 * year_s, now_s() + 10 * year_s}))) {
  write("ca.pem", authority_.certificate);
  for (const char* name : {"n1", "n2"})
    make(name);
}

void cluster_folder::make(const std::string& name, std::vector<std::string> more_hosts) {
  make(name, std::move(more_hosts), -86'400, year_s);
}

void cluster_folder::make(const std::string& name, std::vector<std::string> more_hosts,
                          int64_t from, int64_t until) {
  more_hosts.insert(more_hosts.begin(), name);
  const auto pair =
      made(cluster::issue_certificate(authority_, more_hosts, {now_s() + from, now_s() + until}));
  write(name + ".key", pair.key);
  write(name + ".pem", pair.certificate);
}

void cluster_folder::write(const std::string& file, const std::string& text) {
  std::ofstream{path(file + ".partial")} << text;
  std::filesystem::rename(path(file + ".partial"), path(file));
}

cluster::certificate_files cluster_folder::files(const std::string& name) const {
  return {path("ca.pem"), path(name + ".pem"), path(name + ".key")};
}

plain_socket::plain_socket(int handle) : handle_(handle) {}

plain_socket& plain_socket::operator=(plain_socket&& x) noexcept {
  std::swap(handle_, x.handle_);
  return *this;
}

plain_socket plain_socket::to(uint16_t port, uint32_t from) {
  plain_socket out{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto own = loopback(0, from);
  REQUIRE(::bind(out.handle_, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
  const auto place = loopback(port);
  if (::connect(out.handle_, reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0)
    out.close();
  return out;
}

bool plain_socket::send(const std::string& bytes) {
  for (size_t at = 0; at < bytes.size();) {
    if (!ready(handle_, POLLOUT, patience))
      return false;
    const auto n =
        ::send(handle_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN)
      return false;
    at += n > 0 ? static_cast<size_t>(n) : 0;
  }
  return true;
}

std::string plain_socket::receive(size_t most, std::chrono::milliseconds wait) {
  if (!ready(handle_, POLLIN, wait))
    return {};
  std::string out(most, '\0');
  const auto n = ::recv(handle_, out.data(), out.size(), 0);
  out.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return out;
}

std::string plain_socket::receive_all(size_t size) {
  std::string out;
  while (out.size() < size) {
    auto more = receive(size - out.size());
    if (more.empty())
      break;
    out += more;
  }
  return out;
}

bool plain_socket::ended(std::chrono::milliseconds wait) {
  return ready(handle_, POLLIN, wait) && receive().empty();
}

int plain_socket::release() {
  const int out = handle_;
  handle_ = -1;
  return out;
}

void plain_socket::close() {
  if (handle_ >= 0)
    ::close(handle_);
  handle_ = -1;
}

plain_server::plain_server() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  auto place = loopback(0);
  socklen_t size = sizeof place;
  auto* at = reinterpret_cast<sockaddr*>(&place);
  REQUIRE(::bind(socket_.handle(), at, size) == 0);
  REQUIRE(::listen(socket_.handle(), 64) == 0);
  REQUIRE(::getsockname(socket_.handle(), at, &size) == 0);
  port_ = ntohs(place.sin_port);
}

plain_socket plain_server::accept() {
  if (!ready(socket_.handle(), POLLIN, patience))
    return {};
  return plain_socket{::accept4(socket_.handle(), nullptr, nullptr, SOCK_CLOEXEC)};
}

tunnel_side::tunnel_side(const cluster_folder& folder, options x) {
  cluster::tunnel_config config;
  config.host = x.listens ? "127.0.0.1" : "";
  config.inner_port = x.inner_port;
  if (!x.name.empty())
    config.files = folder.files(x.name);
  config.allowed = std::move(x.allowed);
  config.limits = x.limits;
  config.report = [told = told_](const std::string& line) {
    std::lock_guard guard{told->mutex};
    told->reports.push_back(line);
  };
  config.on_link = [told = told_](const cluster::link_info& link) {
    std::lock_guard guard{told->mutex};
    told->links.push_back(link);
  };
  config.on_end = [told = told_](uint64_t link, const std::string& why) {
    std::lock_guard guard{told->mutex};
    told->ends[link] = why;
  };
  tunnel_ = made(cluster::tunnel::open(std::move(config)));
}

cluster::dial_answer tunnel_side::dial(uint16_t port, const std::string& name,
                                       const std::string& host) {
  answer<cluster::dial_answer> reply;
  tunnel_->dial(host, port, name, reply.callback());
  return reply.get();
}

uint64_t tunnel_side::refused(refusal why) const {
  return counters().refused[static_cast<size_t>(why)];
}

bool tunnel_side::refuses(refusal why, uint64_t times) const {
  return eventually([&] { return refused(why) >= times; });
}

std::vector<std::string> tunnel_side::reports() const {
  std::lock_guard guard{told_->mutex};
  return told_->reports;
}

std::vector<cluster::link_info> tunnel_side::links() const {
  std::lock_guard guard{told_->mutex};
  return told_->links;
}

std::map<uint64_t, std::string> tunnel_side::ends() const {
  std::lock_guard guard{told_->mutex};
  return told_->ends;
}

linked_pair::linked_pair(const cluster_folder& folder, tunnel_side::options for_server,
                         tunnel_side::options for_client)
    : server(folder,
             [&] {
               for_server.inner_port = inner.port();
               return for_server;
             }()),
      client(folder, for_client) {
  const auto reply = client.dial(server.port(), for_server.name);
  INFO(reply.text);
  REQUIRE(reply.outcome == cluster::dial_outcome::connected);
  near = plain_socket::to(reply.link.inner_port);
  far = inner.accept();
  REQUIRE(eventually([&] { return client.links().size() == 1 && server.links().size() == 1; }));
  REQUIRE(near.is_open());
  REQUIRE(far.is_open());
}

tls_stranger::tls_stranger(const cluster_folder& folder, const std::string& name, int version)
    : context_(SSL_CTX_new(TLS_method()), SSL_CTX_free), tls_(nullptr, SSL_free) {
  SSL_CTX_set_max_proto_version(context_.get(), version);
  if (name.empty())
    return;
  const auto files = folder.files(name);
  REQUIRE(SSL_CTX_use_certificate_chain_file(context_.get(), files.certificate.c_str()) == 1);
  REQUIRE(SSL_CTX_use_PrivateKey_file(context_.get(), files.key.c_str(), SSL_FILETYPE_PEM) == 1);
}

std::string tls_stranger::greeting_of(uint16_t port, uint32_t from) {
  socket_ = plain_socket::to(port, from);
  timeval wait{10, 0};
  ::setsockopt(socket_.handle(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  tls_.reset(SSL_new(context_.get()));
  SSL_set_fd(tls_.get(), socket_.handle());
  char byte = 0;
  if (SSL_connect(tls_.get()) != 1 || SSL_read(tls_.get(), &byte, 1) != 1)
    return {};
  return std::string(1, byte);
}

bool tls_stranger::serve(plain_socket socket) {
  socket_ = std::move(socket);
  timeval wait{10, 0};
  ::setsockopt(socket_.handle(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  tls_.reset(SSL_new(context_.get()));
  SSL_set_fd(tls_.get(), socket_.handle());
  return SSL_accept(tls_.get()) == 1;
}

double tunnel_seconds() {
  double out = 0;
  for (const auto& task : std::filesystem::directory_iterator{"/proc/self/task"}) {
    std::string name;
    std::ifstream{task.path() / "comm"} >> name;
    double nanoseconds = 0;
    if (name == "cluster" && std::ifstream{task.path() / "schedstat"} >> nanoseconds)
      out += nanoseconds / 1e9;
  }
  return out;
}

double cpu_seconds() {
  rusage x{};
  ::getrusage(RUSAGE_SELF, &x);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return of(x.ru_utime) + of(x.ru_stime);
}

int64_t resident_kib() {
  int64_t whole = 0, resident = 0;
  std::ifstream{"/proc/self/statm"} >> whole >> resident;
  return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

descriptor_limit::descriptor_limit(uint64_t most) {
  rlimit now{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &now) == 0);
  before_ = now.rlim_cur;
  now.rlim_cur = std::min<rlim_t>(most, now.rlim_max);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &now) == 0);
}

descriptor_limit::~descriptor_limit() {
  rlimit now{};
  ::getrlimit(RLIMIT_NOFILE, &now);
  now.rlim_cur = before_;
  ::setrlimit(RLIMIT_NOFILE, &now);
}

uint64_t descriptors_open() {
  std::error_code ec;
  uint64_t count = 0;
  for (std::filesystem::directory_iterator at{"/proc/self/fd", ec}, end; !ec && at != end;
       at.increment(ec))
    ++count;
  return count;
}

} // namespace footfall::test
