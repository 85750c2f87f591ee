#include "tests/contract/rigs_redis.hpp"

#include <atomic>
#include <stdexcept>

#include <unistd.h>

#include "db/redis/redis_cache.hpp"
#include "tests/contract/await.hpp"

namespace footfall::test {

namespace {

class redis_cache_rig final : public cache_rig {
public:
  explicit redis_cache_rig(const std::string& address) {
    static std::atomic<int> made{0};
    const auto colon = address.rfind(':');
    settings_.host = address.substr(0, colon);
    settings_.port = static_cast<uint16_t>(std::stoi(address.substr(colon + 1)));
    settings_.identity = "test-" + std::to_string(getpid()) + "-" + std::to_string(++made);
    // A busy machine must not turn a hit into a miss here.
    settings_.get_time_max = std::chrono::seconds{10};
    settings_.steady = [] { return int64_t{1'700'000'000'000'000}; };
  }

  std::unique_ptr<cache> open() override {
    auto out = redis_cache::open(settings_);
    if (!out)
      throw std::runtime_error(text_of(out.error()));
    return std::move(*out);
  }
  bool advance_time(int64_t) override { return false; }
  int64_t ttl_us() const override { return settings_.ttl.count() * 1000; }
  void settle(cache& x) override {
    eventually([&] { return static_cast<redis_cache&>(x).waiting() == 0; });
  }

private:
  redis_config settings_;
};

} // namespace

std::unique_ptr<cache_rig> make_redis_cache_rig(const std::string& address) {
  return std::make_unique<redis_cache_rig>(address);
}

} // namespace footfall::test
