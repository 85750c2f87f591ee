#include "net/kafka/topic_id.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>

#include <absl/strings/escaping.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace footfall::kafka {

namespace {

using steady = std::chrono::steady_clock;

constexpr int16_t metadata_key = 3;
constexpr int16_t metadata_version = 10; // The first with topic ids.
constexpr size_t answer_max = 1 << 20;
constexpr size_t id_bytes = 16;
constexpr size_t shares_max = 3; // Of what is left of the time, for one broker of many.

void put(std::string& out, uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out += static_cast<char>(value >> shift & 255);
}

/// Reads big-endian fields; what is missing reads as 0, and `bad` stays set.
struct reader {
  const std::string& in;
  size_t at = 0;
  bool bad = false;

  std::string bytes(size_t n) {
    bad = bad || n > in.size() - at;
    if (bad)
      return {};
    at += n;
    return in.substr(at - n, n);
  }
  int64_t number(size_t n) {
    uint64_t out = 0;
    for (unsigned char c : bytes(n))
      out = out << 8 | c;
    return static_cast<int64_t>(out);
  }
  uint64_t varint() {
    uint64_t out = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      const auto c = static_cast<uint64_t>(number(1));
      out |= (c & 127) << shift;
      if (c < 128)
        return out;
    }
    bad = true;
    return 0;
  }
  /// A compact string or array is its size and one, 0 for none.
  uint64_t size() {
    const auto n = varint();
    return n == 0 ? 0 : n - 1;
  }
  void skip_tags() {
    for (auto n = varint(); n > 0 && !bad; --n) {
      varint();
      bytes(varint());
    }
  }
};

/// One connection, closed with it.
class connection {
public:
  explicit connection(int handle) : handle_(handle) {}
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() {
    if (handle_ >= 0)
      ::close(handle_);
  }

  bool ready(int16_t what, steady::time_point until) const {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - steady::now()).count();
    pollfd waiting{handle_, static_cast<short>(what), 0};
    return left > 0 && ::poll(&waiting, 1, static_cast<int>(left)) == 1;
  }
  bool connected(const addrinfo& to, steady::time_point until) const {
    if (handle_ < 0)
      return false;
    if (::connect(handle_, to.ai_addr, to.ai_addrlen) == 0)
      return true;
    int error = 0;
    socklen_t size = sizeof error;
    return errno == EINPROGRESS && ready(POLLOUT, until)
           && ::getsockopt(handle_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
  }
  bool send(const std::string& all) const {
    return ::send(handle_, all.data(), all.size(), MSG_NOSIGNAL)
           == static_cast<ssize_t>(all.size());
  }
  std::string receive(size_t wanted, steady::time_point until) const {
    std::string out;
    char some[4096];
    while (out.size() < wanted && ready(POLLIN, until)) {
      const auto n = ::recv(handle_, some, std::min(sizeof some, wanted - out.size()), 0);
      if (n <= 0)
        return {};
      out.append(some, static_cast<size_t>(n));
    }
    return out.size() == wanted ? out : std::string{};
  }

private:
  int handle_;
};

std::string ask(const addrinfo& to, const std::string& request, steady::time_point until) {
  const connection c{
      ::socket(to.ai_family, to.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to.ai_protocol)};
  if (!c.connected(to, until) || !c.send(request))
    return {};
  const auto head = c.receive(4, until);
  reader size{head};
  const auto bytes = size.number(4);
  if (size.bad || bytes <= 0 || bytes > static_cast<int64_t>(answer_max))
    return {};
  return c.receive(static_cast<size_t>(bytes), until);
}

std::string ask_broker(const std::string& broker, const std::string& request,
                       steady::time_point until) {
  const auto colon = broker.rfind(':');
  if (colon == std::string::npos)
    return {};
  const auto host = broker.substr(0, colon);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  if (::getaddrinfo(host.c_str(), broker.c_str() + colon + 1, &hints, &raw) != 0)
    return {};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all{raw, ::freeaddrinfo};
  for (const auto* x = all.get(); x; x = x->ai_next)
    if (auto answer = ask(*x, request, until); !answer.empty())
      return answer;
  return {};
}

} // namespace

std::string topic_id_request(const std::string& topic) {
  std::string body;
  put(body, metadata_key, 2);
  put(body, metadata_version, 2);
  put(body, 1, 4); // Which request it is.
  put(body, 8, 2);
  body += "footfall";
  body += '\0'; // No tags.
  body += '\2'; // One topic.
  body.append(id_bytes, '\0');
  put(body, (topic.size() + 1) < 128 ? topic.size() + 1 : ((topic.size() + 1) & 127) | 128, 1);
  if (topic.size() + 1 >= 128)
    put(body, (topic.size() + 1) >> 7, 1);
  body += topic;
  body.append(5, '\0'); // No tags; nothing is created; no rights are asked for; no tags.
  std::string out;
  put(out, body.size(), 4);
  return out + body;
}

std::string read_topic_id(const std::string& answer) {
  reader in{answer};
  in.bytes(4); // Which request it was.
  in.skip_tags();
  in.bytes(4); // Throttle time.
  for (auto n = in.size(); n > 0 && !in.bad; --n) {
    in.bytes(4);
    in.bytes(in.size());
    in.bytes(4);
    in.bytes(in.size());
    in.skip_tags();
  }
  in.bytes(in.size()); // Cluster.
  in.bytes(4);         // Controller.
  if (in.size() != 1)
    return {};
  in.bytes(2); // An error: a topic without leaders has an id, one that is missing none.
  in.bytes(in.size());
  const auto id = in.bytes(id_bytes);
  if (in.bad || id == std::string(id_bytes, '\0'))
    return {};
  return absl::WebSafeBase64Escape(id);
}

std::string topic_id(const std::vector<std::string>& brokers, const std::string& topic,
                     std::chrono::milliseconds most) {
  const auto until = steady::now() + most;
  const auto request = topic_id_request(topic);
  for (size_t i = 0; i < brokers.size(); ++i) {
    const auto now = steady::now();
    const auto share = (until - now) / static_cast<int>(std::min(brokers.size() - i, shares_max));
    if (auto answer = ask_broker(brokers[i], request, now + share); !answer.empty())
      return read_topic_id(answer);
  }
  return {};
}

} // namespace footfall::kafka
