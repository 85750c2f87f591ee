#include "db/redis/redis_cache.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>

#include <sys/eventfd.h>
#include <unistd.h>

#include "db/redis/worker.hpp"
#include "proto/error.hpp"

namespace footfall {

namespace {

/// Beyond this, Redis would compare two versions as equal that are not.
constexpr uint64_t versions_end = uint64_t{1} << 53;

} // namespace

caf::expected<std::unique_ptr<redis_cache>> redis_cache::open(redis_config config) {
  if (config.identity.empty() || config.host.empty())
    return make_error(errc::invalid_argument, "the cache needs a host and the store's identity");
  return std::unique_ptr<redis_cache>{new redis_cache(std::move(config))};
}

redis_cache::redis_cache(redis_config config)
    : config_(std::move(config)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_ < 0)
    throw std::system_error(errno, std::generic_category(), "eventfd");
  thread_ = std::thread([this] {
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    worker{*this}.loop();
  });
}

redis_cache::~redis_cache() {
  stop_ = true;
  wake();
  thread_.join();
  for (auto& x : gets_)
    miss(std::move(x));
  close(wake_);
}

void redis_cache::wake() {
  eventfd_write(wake_, 1);
}

void redis_cache::miss(lookup x) {
  x.done(std::vector<cached_count>(x.keys.size()));
}

void redis_cache::get(std::vector<cache_ask> keys, get_done done) {
  lookup x{std::move(keys), std::move(done), steady::now() + config_.get_time_max};
  if (working_ && !x.keys.empty()) {
    std::lock_guard guard{mutex_};
    if (gets_.size() < config_.gets_max) {
      gets_.push_back(std::move(x));
      wake();
      return;
    }
  }
  miss(std::move(x));
}

void redis_cache::fill(std::vector<cache_fill> values) {
  const auto now = steady::now();
  const auto now_us = config_.steady();
  size_t dropped = 0;
  {
    std::lock_guard guard{mutex_};
    for (auto& x : values)
      if (x.version < versions_end) {
        const auto age_us = std::max<int64_t>(now_us - x.read_us, 0);
        fills_.push_back({std::move(x), now - std::chrono::microseconds{age_us}});
      }
    for (; fills_.size() > config_.fills_max; ++dropped)
      fills_.pop_front();
  }
  if (config_.counts && dropped > 0)
    add(config_.counts->cache_errors, dropped);
  wake();
}

void redis_cache::advance(std::vector<cache_advance> pages) {
  size_t dropped = 0;
  {
    std::lock_guard guard{mutex_};
    for (auto& x : pages)
      if (x.to < versions_end)
        advances_.push_back(std::move(x));
    for (; advances_.size() > config_.advances_max; ++dropped)
      advances_.pop_front();
    lost_ = lost_ || dropped > 0;
  }
  if (config_.counts && dropped > 0)
    add(config_.counts->cache_errors, dropped);
  wake();
}

void redis_cache::forget() {
  {
    std::lock_guard guard{mutex_};
    fills_.clear();
    advances_.clear();
    lost_ = true;
  }
  wake();
}

std::string redis_cache::health() const {
  std::lock_guard guard{mutex_};
  if (health_.empty() && steady::now() < refused_until_)
    return refusal_;
  return health_;
}

size_t redis_cache::waiting() const {
  std::lock_guard guard{mutex_};
  return fills_.size() + advances_.size() + sent_;
}

} // namespace footfall
