#include "net/grpc/edge.hpp"

#include <utility>
#include <vector>

namespace footfall::rpc {

bool stream_set::add(const std::shared_ptr<drainable>& x) {
  std::lock_guard guard{mutex_};
  if (!closed_)
    streams_.insert(x);
  return !closed_;
}

void stream_set::remove(const std::shared_ptr<drainable>& x) {
  std::lock_guard guard{mutex_};
  streams_.erase(x);
}

void stream_set::close() {
  std::vector<std::shared_ptr<drainable>> open;
  {
    std::lock_guard guard{mutex_};
    closed_ = true;
    open.assign(streams_.begin(), streams_.end());
  }
  // Outside the lock: a stream that ends removes itself.
  for (auto& x : open)
    x->end();
}

void stream_set::check() {
  std::vector<std::shared_ptr<drainable>> open;
  {
    std::lock_guard guard{mutex_};
    open.assign(streams_.begin(), streams_.end());
  }
  for (auto& x : open)
    x->check();
}

call_place::call_place(edge_ptr x)
    : edge_(std::move(x)), taken_(take_place(edge_->calls, edge_->config.calls_max)) {
  add(edge_->counters.grpc_requests);
  if (!taken_)
    add(edge_->counters.requests_overloaded);
}

void call_place::leave() noexcept {
  if (std::exchange(taken_, false))
    edge_->calls.fetch_sub(1, std::memory_order_relaxed);
}

} // namespace footfall::rpc
