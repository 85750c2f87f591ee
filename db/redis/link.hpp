#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct redisContext;
struct redisReply;

namespace footfall::redis {

struct reply_closer {
  void operator()(redisReply* x) const;
};
using reply = std::unique_ptr<redisReply, reply_closer>;

/// One connection to Redis that never blocks: commands go into a buffer, replies
/// come out in the same order. Serves one thread, which has SIGPIPE blocked
/// (hiredis writes without MSG_NOSIGNAL).
class link {
public:
  link();
  ~link();
  link(const link&) = delete;
  link& operator=(const link&) = delete;

  /// Begins to connect. False: it failed at once.
  bool open(const std::string& host, uint16_t port);
  void close();
  bool is_open() const { return context_ != nullptr; }

  void add(const std::vector<std::string_view>& words);

  /// Waits for the socket or for `other` to become readable, then sends and
  /// receives what it can. False: the connection is broken.
  bool turn(int other, std::chrono::milliseconds most);

  /// The next reply, or empty when none is complete. `broken` when Redis speaks
  /// another protocol.
  reply next(bool& broken);

  /// Why it broke.
  const std::string& failure() const { return failure_; }

private:
  struct closer {
    void operator()(redisContext* x) const;
  };
  bool broke();

  std::unique_ptr<redisContext, closer> context_;
  bool connecting_ = false;
  bool to_send_ = false;
  std::string failure_;
};

} // namespace footfall::redis
