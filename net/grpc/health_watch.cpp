#include "net/grpc/health_watch.hpp"

#include <chrono>

namespace footfall::rpc {

namespace {
constexpr const char* services[] = {"", "analytics.AnalyticsService", "footfall.v1.Ingest",
                                    "footfall.v1.Stats"};
constexpr std::chrono::milliseconds period{500};
} // namespace

std::shared_ptr<health_watch> health_watch::start(request_handler& handler,
                                                  grpc::HealthCheckServiceInterface* service,
                                                  std::function<void()> also) {
  std::shared_ptr<health_watch> watch{new health_watch(handler, service, std::move(also))};
  for (auto name : services)
    service->SetServingStatus(name, false);
  watch->ask();
  return watch;
}

void health_watch::tell() {
  handler_.health([self = shared_from_this()](const node_health& x) { self->answer(x); });
}

void health_watch::drain() {
  std::lock_guard guard{mutex_};
  if (!draining_)
    service_->Shutdown();
  draining_ = true;
}

void health_watch::stop() {
  drain();
  std::unique_lock lock{mutex_};
  stopped_ = true;
  alarm_.Cancel();
  idle_.wait(lock, [this] { return !asking_; });
}

void health_watch::ask() {
  also_();
  {
    std::lock_guard guard{mutex_};
    if (draining_ || stopped_)
      return;
    if (!answered_) {
      service_->SetServingStatus(false);
      return arm();
    }
    answered_ = false;
    asking_ = true;
  }
  handler_.health([self = shared_from_this()](const node_health& x) { self->answer(x); });
  std::lock_guard guard{mutex_};
  asking_ = false;
  idle_.notify_all();
  if (!stopped_)
    arm();
}

void health_watch::answer(const node_health& x) {
  std::lock_guard guard{mutex_};
  answered_ = true;
  if (!draining_ && !stopped_)
    service_->SetServingStatus(x.ready && !x.draining);
}

void health_watch::arm() {
  // The alarm keeps its function for good: with a share in this it would keep both.
  auto ring = [weak = weak_from_this()](bool expired) {
    if (auto self = expired ? weak.lock() : nullptr)
      self->ask();
  };
  alarm_.Set(std::chrono::system_clock::now() + period, std::move(ring));
}

} // namespace footfall::rpc
