/// footfall_load: many HTTP connections from one thread, as cheaply as epoll allows,
/// so that what a benchmark measures is the server. `--help` lists the options.
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "bench/load_events.hpp"
#include "bench/load_report.hpp"

namespace footfall::bench {
namespace {

using namespace std::chrono_literals;

struct plan {
  std::string mode = "batch";
  std::string address;
  std::string path; ///< Of queries.
  size_t connections = 1;
  size_t batch = 1'000;
  double seconds = 1e9;
  size_t events = SIZE_MAX; ///< Accepted events, or answered queries.
  double rate = 0;          ///< Events or queries a second; 0: each answer asks the next.
  event_plan clicks;
};

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "footfall_load: %s\n", why.c_str());
  std::exit(1);
}

/// Writes requests; the answers say how many of their events were accepted.
class request_maker {
public:
  explicit request_maker(const plan& from) : plan_(from), clicks_(from.clicks) {}

  void make(std::string& out) {
    out.clear();
    if (plan_.mode == "query")
      return query(out);
    clicks_.take_time();
    body_.clear();
    const size_t n = plan_.mode == "single" ? 1 : plan_.batch;
    for (size_t i = 0; i < n; ++i) {
      clicks_.append_event(body_);
      if (n > 1)
        body_ += '\n';
    }
    out += plan_.mode == "single" ? "POST /ingest" : "POST /v1/events";
    clicks_.append_site(out);
    out += " HTTP/1.1\r\nhost: " + plan_.address + "\r\ncontent-type: ";
    out += n > 1 ? "application/x-ndjson" : "application/json";
    out += "\r\ncontent-length: " + std::to_string(body_.size()) + "\r\n\r\n" + body_;
  }

private:
  void query(std::string& out) {
    clicks_.draw();
    out += "GET " + plan_.path + "?page_url=";
    clicks_.append_page(out);
    if (plan_.path == "/analytics/events" || plan_.path == "/v1/stats/count") {
      out += "&user_id=";
      clicks_.append_user(out);
    }
    out += " HTTP/1.1\r\nhost: " + plan_.address + "\r\n\r\n";
  }

  const plan& plan_;
  event_maker clicks_;
  std::string body_;
};

/// The value of a header, without a look at how its name is written.
std::string_view header(std::string_view head, std::string_view name) {
  for (size_t at = head.find("\r\n"); at != std::string_view::npos;
       at = head.find("\r\n", at + 2)) {
    const auto line = head.substr(at + 2);
    if (line.size() > name.size() && line[name.size()] == ':'
        && strncasecmp(line.data(), name.data(), name.size()) == 0) {
      auto value = line.substr(name.size() + 1, line.find("\r\n") - name.size() - 1);
      return value.substr(std::min(value.find_first_not_of(' '), value.size()));
    }
  }
  return {};
}

size_t number(std::string_view text) {
  size_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

struct connection {
  int handle = -1;
  bool busy = false;
  bool writes = false; ///< Whether epoll watches for room to write.
  std::string out;
  size_t sent = 0;
  std::string in;     ///< The head, then the start of the body.
  size_t head = 0;    ///< Bytes of the head once it is complete.
  size_t missing = 0; ///< Bytes of the body still to come.
  steady::time_point since;
};

class generator {
public:
  explicit generator(const plan& from)
      : plan_(from), maker_(from), all_(from.connections), poll_(epoll_create1(EPOLL_CLOEXEC)) {
    const auto colon = from.address.rfind(':');
    if (colon == std::string::npos)
      fail("--address takes host:port");
    to_.sin_family = AF_INET;
    to_.sin_port = htons(static_cast<uint16_t>(number(from.address.substr(colon + 1))));
    if (inet_pton(AF_INET, from.address.substr(0, colon).c_str(), &to_.sin_addr) != 1)
      fail("--address takes an IPv4 address");
    for (auto& x : all_)
      open(x);
    report_.refusals_most = std::max<size_t>(report_.refusals_most, 4 * from.connections);
  }

  void run() {
    const auto begin = steady::now();
    begin_ = begin;
    end_ = begin
           + std::chrono::duration_cast<steady::duration>(
               std::chrono::duration<double>(std::min(plan_.seconds, 1e6)));
    for (auto& x : all_)
      idle_.push_back(&x);
    auto last = begin;
    while (feed() || busy_ > 0) {
      wait();
      if (busy_ > 0)
        last = steady::now();
      // Nothing is sent any more and the server does not answer.
      if (!feeds() && steady::now() > end_ + 15s)
        break;
    }
    last = std::max(last, last_answer_);
    report_.errors[0] += busy_;
    if (report_.errors[0] == 0)
      report_.errors.erase(0);
    report_.print(std::chrono::duration<double>(last_answer_ - begin).count());
  }

private:
  double unit() const { return plan_.mode == "batch" ? static_cast<double>(plan_.batch) : 1; }
  size_t done() const { return plan_.mode == "query" ? report_.requests : report_.events; }
  bool feeds() const {
    if (report_.is_refused())
      return false;
    const auto under_way = static_cast<size_t>(unit()) * busy_;
    return steady::now() < end_ && (plan_.events == SIZE_MAX || done() + under_way < plan_.events);
  }

  /// Starts what is due; false once nothing will ever be.
  bool feed() {
    while (feeds()) {
      const auto now = steady::now();
      while (!resting_.empty() && resting_.front().first <= now) {
        idle_.push_back(resting_.front().second);
        resting_.pop_front();
      }
      auto due = now;
      if (plan_.rate > 0) {
        due = begin_
              + std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(
                  static_cast<double>(started_) * unit() / plan_.rate));
        next_due_ = due;
        if (due > now)
          return true;
      }
      if (idle_.empty())
        return true;
      auto& x = *idle_.front();
      idle_.pop_front();
      start(x, due);
    }
    return !report_.is_refused() && steady::now() < end_ && done() < plan_.events;
  }

  void start(connection& x, steady::time_point since) {
    ++started_;
    ++busy_;
    maker_.make(x.out);
    x.sent = 0;
    x.busy = true;
    // The time it was meant to start: a stalled server does not hide its own delay.
    x.since = plan_.rate > 0 ? since : steady::now();
    write(x);
  }

  void wait() {
    int timeout = 100;
    if (feeds() && (!resting_.empty() || (plan_.rate > 0 && !idle_.empty())))
      timeout = plan_.rate > 0 && next_due_ - steady::now() < 1ms ? 0 : 1;
    epoll_event ready[256];
    const int n = epoll_wait(poll_, ready, 256, timeout);
    for (int i = 0; i < n; ++i) {
      auto& x = *static_cast<connection*>(ready[i].data.ptr);
      if (ready[i].events & EPOLLOUT)
        write(x);
      if (ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        read(x);
    }
  }

  void open(connection& x) {
    x.handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(x.handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(x.handle, reinterpret_cast<sockaddr*>(&to_), sizeof to_) != 0)
      fail("cannot connect to " + plan_.address);
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.ptr = &x;
    epoll_ctl(poll_, EPOLL_CTL_ADD, x.handle, &wanted);
    x.writes = false;
    x.in.clear();
    x.head = 0;
  }

  void broke(connection& x) {
    ::close(x.handle);
    open(x);
    if (x.busy)
      answered(x, 0);
  }

  void write(connection& x) {
    while (x.sent < x.out.size()) {
      const auto n =
          send(x.handle, x.out.data() + x.sent, x.out.size() - x.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno == EAGAIN)
        break;
      if (n <= 0)
        return broke(x);
      x.sent += static_cast<size_t>(n);
    }
    const bool more = x.sent < x.out.size();
    if (more == x.writes)
      return;
    epoll_event wanted{};
    wanted.events = more ? EPOLLIN | EPOLLOUT : EPOLLIN;
    wanted.data.ptr = &x;
    epoll_ctl(poll_, EPOLL_CTL_MOD, x.handle, &wanted);
    x.writes = more;
  }

  void read(connection& x) {
    const auto n = recv(x.handle, buffer_, sizeof buffer_, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
      return;
    if (n <= 0)
      return broke(x);
    auto bytes = static_cast<size_t>(n);
    if (x.head > 0) {
      x.missing -= std::min(bytes, x.missing);
    } else {
      x.in.append(buffer_, bytes);
      const auto end = x.in.find("\r\n\r\n");
      if (end == std::string::npos)
        return;
      x.head = end + 4;
      const auto length =
          number(header(std::string_view(x.in).substr(0, x.head), "content-length"));
      const auto there = x.in.size() - x.head;
      x.missing = length > there ? length - there : 0;
    }
    if (x.missing == 0) {
      const auto status = static_cast<int>(number(std::string_view(x.in).substr(9, 3)));
      answered(x, status);
      x.in.clear();
      x.head = 0;
    }
  }

  void answered(connection& x, int status) {
    --busy_;
    x.busy = false;
    last_answer_ = steady::now();
    if (status != 200) {
      ++report_.errors[status];
      // As its Retry-After asks, if not for as long.
      resting_.emplace_back(steady::now() + 20ms, &x);
      return;
    }
    ++report_.requests;
    report_.took(x.since);
    if (plan_.mode == "single")
      ++report_.events;
    if (plan_.mode == "batch")
      report_.events += accepted(x);
    idle_.push_back(&x);
  }

  size_t accepted(const connection& x) const {
    static constexpr std::string_view name = "\"accepted\":";
    const auto at = x.in.find(name, x.head);
    return at == std::string::npos ? plan_.batch : number(x.in.substr(at + name.size(), 20));
  }

  const plan& plan_;
  request_maker maker_;
  std::vector<connection> all_;
  std::deque<connection*> idle_;
  std::deque<std::pair<steady::time_point, connection*>> resting_;
  const int poll_;
  sockaddr_in to_{};
  load_report report_;
  size_t started_ = 0;
  size_t busy_ = 0;
  steady::time_point begin_, end_, next_due_, last_answer_;
  char buffer_[64 * 1024];
};

void add_options(CLI::App& app, plan& out) {
  app.add_option("mode", out.mode, "single, batch or query")
      ->required()
      ->check(CLI::IsMember({"single", "batch", "query"}));
  app.add_option("--address", out.address, "IPv4 address:port")->required();
  app.add_option("--path", out.path, "What to query, for example /v1/stats/page");
  app.add_option("--connections", out.connections);
  app.add_option("--batch", out.batch, "Events of one request");
  app.add_option("--seconds", out.seconds, "Stop sending after so long");
  app.add_option("--events", out.events, "Stop after so many events or queries");
  app.add_option("--rate", out.rate, "Events or queries a second; 0: as fast as answered");
  app.add_option("--pages", out.clicks.pages);
  app.add_option("--users", out.clicks.users);
  app.add_option("--seed", out.clicks.seed, "0: another one each time");
  app.add_option("--flood", out.clicks.flood, "Every event has one of its own")
      ->check(CLI::IsMember({"types", "users", "pages", "sites", "minutes"}));
  app.add_option("--first", out.clicks.first, "Number of the first one");
  app.add_flag("--ordered-ids", out.clicks.ordered_ids, "UUIDv7 instead of UUIDv4");
  app.add_flag("--in-turn", out.clicks.in_turn, "Pages and users in turn, not at random");
}

} // namespace
} // namespace footfall::bench

int main(int argc, char** argv) {
  using namespace footfall::bench;
  plan from;
  CLI::App app{"Loads a Footfall server over HTTP and prints what it answered, as JSON."};
  add_options(app, from);
  CLI11_PARSE(app, argc, argv);
  if (from.clicks.seed == 0)
    from.clicks.seed = std::random_device{}();
  if (from.connections == 0 || from.batch == 0 || from.clicks.pages == 0 || from.clicks.users == 0)
    fail("numbers start at 1");
  std::make_unique<generator>(from)->run();
}
