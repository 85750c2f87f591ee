#include "actors/accept/gateway_inbox.hpp"

namespace footfall {

gateway_inbox::answer gateway_inbox::put(ingest_item& item) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (closed_)
    return answer::closed;
  if (ingests_open_ >= requests_max_ || events_open_ + item.events.size() > events_max_)
    return answer::full;
  ++ingests_open_;
  events_open_ += item.events.size();
  ingests_.push_back(std::move(item));
  wake(lock);
  return answer::taken;
}

gateway_inbox::answer gateway_inbox::put(query_item& item) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (closed_)
    return answer::closed;
  if (queries_open_ >= requests_max_)
    return answer::full;
  ++queries_open_;
  queries_.push_back(std::move(item));
  wake(lock);
  return answer::taken;
}

void gateway_inbox::put_unwatch(uint64_t ticket) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (closed_)
    return;
  unwatched_.push_back(ticket);
  wake(lock);
}

void gateway_inbox::take(std::vector<ingest_item>& ingests, std::vector<query_item>& queries,
                         std::vector<uint64_t>& unwatched) {
  std::lock_guard<std::mutex> lock(mutex_);
  woken_ = false;
  ingests.swap(ingests_);
  queries.swap(queries_);
  unwatched.swap(unwatched_);
}

void gateway_inbox::finished_ingest(size_t events) {
  std::lock_guard<std::mutex> lock(mutex_);
  --ingests_open_;
  events_open_ -= events;
}

void gateway_inbox::finished_query() {
  std::lock_guard<std::mutex> lock(mutex_);
  --queries_open_;
}

size_t gateway_inbox::in_flight() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return ingests_open_ + queries_open_;
}

void gateway_inbox::close(std::vector<ingest_item>& ingests, std::vector<query_item>& queries) {
  std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  gateway_ = nullptr;
  ingests.swap(ingests_);
  queries.swap(queries_);
}

void gateway_inbox::attach(gateway_actor gateway) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (closed_)
    return;
  gateway_ = std::move(gateway);
  woken_ = false;
  if (!ingests_.empty() || !queries_.empty() || !unwatched_.empty())
    wake(lock);
}

void gateway_inbox::wake(std::unique_lock<std::mutex>& lock) {
  if (woken_ || !gateway_)
    return;
  woken_ = true;
  auto to = gateway_;
  lock.unlock();
  caf::anon_send(to, atom::wake_v);
}

} // namespace footfall
