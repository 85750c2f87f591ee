#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include <catch2/catch.hpp>

#include "net/http/http_server.hpp"

namespace footfall::test {

using namespace std::chrono_literals;

/// Answers at once, unless it is told to hold events back.
class fake_handler final : public request_handler {
public:
  void ingest(std::vector<click_event> events, ingest_done done,
              const trace_context& trace = {}) override {
    last_trace = trace;
    std::unique_lock guard{mutex_};
    seen.insert(seen.end(), events.begin(), events.end());
    ingest_reply reply;
    for (auto& event : events)
      reply.results.push_back(result_of(event));
    if (hold) {
      held_.push_back([done = std::move(done), reply = std::move(reply)] { done(reply); });
      arrived_.notify_all();
      return;
    }
    guard.unlock();
    done(std::move(reply));
  }

  void query(query_ask ask, query_done done) override {
    query_answer answer;
    answer.source = answer_source::cache;
    answer.as_of_us = 1'762'372'800'000'000;
    answer.reached = {{0, 7}, {1, 3}};
    answer.clicks = 4;
    answer.users = 2;
    answer.users_known = ask.from_us == unset_time;
    if (ask.kind == query_kind::page) {
      answer.rows = {{"click", 3, 0}, {"view", 1, 0}};
      answer.minutes.assign(60, 1);
    } else {
      answer.rows = {{"/a&b", 3, 2}};
    }
    answer.points = {{ask.from_us, 9}};
    if (!ask.after.empty() && ask.after.front().offset > 7) {
      answer.code = errc::position_not_reached;
      answer.reason = "position 0:99 was not applied in time; ask again";
    }
    last = std::move(ask);
    done(std::move(answer));
  }

  /// Tells the page by tell_page(), until the token goes.
  std::shared_ptr<void> watch(std::string, std::string page, query_done update) override {
    std::lock_guard guard{mutex_};
    const auto id = ++last_watch_;
    watches_[id] = {std::move(page), std::move(update)};
    arrived_.notify_all();
    return {this, [this, id](void*) {
              std::lock_guard ends{mutex_};
              watches_.erase(id);
            }};
  }

  trace_context last_trace; ///< Of the events that came last.

  void tell_page(const std::string& page, query_answer answer) {
    std::unique_lock guard{mutex_};
    std::vector<query_done> told;
    for (auto& [id, watch] : watches_)
      if (watch.first == page)
        told.push_back(watch.second);
    guard.unlock();
    for (auto& x : told)
      x(answer);
  }

  size_t watches() {
    std::lock_guard guard{mutex_};
    return watches_.size();
  }
  void health(reply<node_health> done) override { done(state); }
  void actors(actors_ask, reply<actors_reply> done) override {
    actor_row row;
    row.id = 1;
    row.name = "supervisor";
    done({refusal, "told so", {row}, 1, {}});
  }
  void actor(std::string node, uint64_t id, reply<actor_detail> done) override {
    actor_detail x;
    x.code = id == 1 ? refusal : errc::not_found;
    x.row.node = std::move(node);
    x.row.id = id;
    x.fields = {{"clicks", "12"}};
    done(std::move(x));
  }
  void audit(audit_ask ask, reply<audit_reply> done) override {
    audit_reply x;
    x.differences = {{"page_totals", "/p", 3, 4}};
    x.partitions = {{0, 1, 9, 8, 7, 6}, {1, -1, -1, 0, 0, 0}};
    x.checked = {ask.live == audit_live::all ? "all" : "some"};
    x.not_checked = {"the rest"};
    if (!hold)
      return done(std::move(x));
    std::lock_guard guard{mutex_};
    held_.push_back([done = std::move(done), x = std::move(x)] { done(x); });
    arrived_.notify_all();
  }
  void bad_events(bad_events_ask ask, reply<bad_events_reply> done) override {
    last_bad = ask;
    done(bad);
  }
  void redrive(redrive_ask ask, reply<redrive_reply> done) override {
    last_redrive = std::move(ask);
    done(redriven);
  }
  applied_counts applied(const position_range& x) const override { return all_forgotten(x); }
  void partitions(reply<partitions_reply> done) override {
    parts.code = refusal;
    done(parts);
  }
  void skip(uint32_t partition, int64_t to, reply<partition_reply> done) override {
    last_skip = {partition, to};
    done(changed);
  }
  void new_generation(reply<partition_reply> done) override { done(changed); }
  std::string metrics() override { return "footfall_up 1\n"; }

  /// Waits until `n` requests are held back, then answers them from another thread.
  bool release(size_t n) {
    std::unique_lock guard{mutex_};
    if (!arrived_.wait_for(guard, 10s, [&] { return held_.size() >= n; }))
      return false;
    auto calls = std::move(held_);
    held_.clear();
    guard.unlock();
    std::thread{[&] {
      for (auto& call : calls)
        call();
    }}.join();
    return true;
  }

  static event_result result_of(const click_event& event) {
    event_result x;
    x.event_id = event.event_id.empty() ? "made-id" : event.event_id;
    x.at_us = event.at_us == unset_time ? 1'762'372'800'500'000 : event.at_us;
    x.status = outcome::accepted;
    x.pos = {2, 42};
    auto fails = [&](outcome status, errc code, const char* reason) {
      x.status = status;
      x.code = code;
      x.reason = reason;
    };
    if (event.user_id == "invalid")
      fails(outcome::rejected, errc::invalid_argument, "user_id has 9 bytes; the limit is 8");
    if (event.user_id == "full")
      fails(outcome::rejected, errc::overloaded, "the queue is full");
    if (event.user_id == "disk")
      fails(outcome::rejected, errc::disk_full, "no space");
    if (event.user_id == "lost")
      fails(outcome::unknown, errc::timeout, "the log did not confirm in time");
    return x;
  }

  std::atomic<bool> hold{false};
  std::vector<click_event> seen;
  query_ask last;
  node_health state;
  bad_events_reply bad;
  bad_events_ask last_bad;
  redrive_reply redriven;
  redrive_ask last_redrive;
  partitions_reply parts;
  errc refusal = errc::none; ///< Of actors and partitions.
  partition_reply changed;
  std::pair<uint32_t, int64_t> last_skip;

private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::function<void()>> held_;
  uint64_t last_watch_ = 0;
  std::map<uint64_t, std::pair<std::string, query_done>> watches_;
};

/// A connection that sends and reads raw bytes.
class client {
public:
  explicit client(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  }
  ~client() { ::close(fd_); }
  client(const client&) = delete;

  void send(std::string_view text) {
    while (!text.empty()) {
      const auto n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0)
        return;
      text.remove_prefix(static_cast<size_t>(n));
    }
  }

  /// One response: the head and as many bytes as it announces.
  std::string receive(bool with_body = true) {
    while (in_.find("\r\n\r\n") == std::string::npos)
      if (!more())
        return std::exchange(in_, {});
    auto size = in_.find("\r\n\r\n") + 4;
    const auto at = in_.find("Content-Length: ");
    if (with_body && at < size)
      size += std::stoul(in_.substr(at + 16));
    while (in_.size() < size)
      if (!more())
        break;
    auto out = in_.substr(0, size);
    in_.erase(0, size);
    return out;
  }

  std::string ask(std::string_view text) {
    send(text);
    return receive();
  }

  /// What comes until `text` has come, and that with it; of a stream, chunk sizes and all.
  std::string receive_until(std::string_view text) {
    while (in_.find(text) == std::string::npos)
      if (!more())
        return std::exchange(in_, {});
    const auto size = in_.find(text) + text.size();
    auto out = in_.substr(0, size);
    in_.erase(0, size);
    return out;
  }

  /// True when the server hung up and nothing is left.
  bool ended() {
    while (more()) {
    }
    return in_.empty() && ended_;
  }

private:
  bool more() {
    char buffer[65536];
    const auto n = ::recv(fd_, buffer, sizeof buffer, 0);
    ended_ = n == 0;
    if (n <= 0)
      return false;
    in_.append(buffer, static_cast<size_t>(n));
    return true;
  }

  int fd_;
  std::string in_;
  bool ended_ = false;
};

struct http_fixture {
  fake_handler handler;
  metrics counters;
  http_config config;
  std::unique_ptr<http_server> server;

  http_ports ports() {
    if (!server) {
      auto made = http_server::open(config, handler, counters,
                                    [] { return int64_t{1'762'372'800'000'000}; });
      REQUIRE(made);
      server = std::move(*made);
    }
    return server->ports();
  }
};

inline std::string post(std::string_view path, std::string_view body,
                        std::string_view headers = "") {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers)
         + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

inline std::string get(std::string_view target, std::string_view headers = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers)
         + "\r\n";
}

inline std::string body_of(const std::string& response) {
  const auto at = response.find("\r\n\r\n");
  return at == std::string::npos ? "" : response.substr(at + 4);
}

inline unsigned status_of(const std::string& response) {
  return response.size() < 12 ? 0 : static_cast<unsigned>(std::stoul(response.substr(9, 3)));
}

inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

inline std::string event(std::string_view id, std::string_view user = "u") {
  return "{\"event_id\":\"" + std::string(id) + "\",\"user_id\":\"" + std::string(user)
         + "\",\"event_type\":\"click\",\"page_url\":\"/p\"}";
}

} // namespace footfall::test
