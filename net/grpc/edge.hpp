#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_set>

#include "net/grpc/grpc_server.hpp"

namespace footfall::rpc {

/// A stream that can be asked to end, from any thread.
class drainable {
public:
  virtual ~drainable() = default;
  /// Ends the stream with UNAVAILABLE as soon as what is under way is answered.
  virtual void end() = 0;
  /// Some times a second: ends it when whoever opened it may not have it any more.
  virtual void check() {}
};

/// The open streams of a server. Any thread.
class stream_set {
public:
  /// False once close() was called: the stream must not start.
  bool add(const std::shared_ptr<drainable>& x);
  void remove(const std::shared_ptr<drainable>& x);
  /// Ends all, now and in future.
  void close();
  /// Has each look whether it may go on.
  void check();

private:
  std::mutex mutex_;
  bool closed_ = false;
  std::unordered_set<std::shared_ptr<drainable>> streams_;
};

/// Takes one of `most` places; false when all are taken.
inline bool take_place(std::atomic<uint32_t>& taken, uint32_t most) noexcept {
  if (taken.fetch_add(1, std::memory_order_relaxed) < most)
    return true;
  taken.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

/// What all calls of one server share. Every open call keeps it alive; the handler
/// is called by open calls only.
struct edge {
  edge(grpc_config x, request_handler& y, metrics& z)
      : config(std::move(x)), handler(y), counters(z) {}
  const grpc_config config;
  request_handler& handler;
  metrics& counters;
  std::atomic<uint32_t> calls{0};
  std::atomic<uint32_t> watches{0};
  stream_set streams;
};

using edge_ptr = std::shared_ptr<edge>;

/// One of edge::calls, until it leaves or dies. A call leaves when gRPC is done with
/// it: a handler that never answers keeps the call's object, and nothing else.
class call_place {
public:
  explicit call_place(edge_ptr x);
  ~call_place() { leave(); }
  call_place(const call_place&) = delete;
  call_place& operator=(const call_place&) = delete;
  void leave() noexcept;
  /// False: all places were taken; the call must be refused.
  explicit operator bool() const noexcept { return taken_; }
  edge& operator*() const noexcept { return *edge_; }
  edge* operator->() const noexcept { return edge_.get(); }

private:
  edge_ptr edge_;
  bool taken_;
};

} // namespace footfall::rpc
