#include "tests/contract/rigs_memory.hpp"

#include <atomic>

#include "db/memory/memory_cache.hpp"
#include "db/memory/memory_log.hpp"
#include "db/memory/memory_store.hpp"

namespace footfall::test {

namespace {

class memory_log_rig final : public log_rig {
public:
  std::unique_ptr<event_log> open() override {
    memory_log::config settings;
    settings.batch_records_max = batch_records_max();
    return std::make_unique<memory_log>(settings);
  }
  bool keeps_data() const override { return false; }
  bool leave_hole(event_log& log, uint32_t partition) override {
    dynamic_cast<memory_log&>(log).skip(partition, 3);
    return true;
  }
  size_t batch_records_max() const override { return 5'000; }
};

class memory_store_rig final : public store_rig {
public:
  std::unique_ptr<store> open() override {
    auto out = std::make_unique<memory_store>();
    last_ = out.get();
    return out;
  }
  bool keeps_data() const override { return false; }
  bool keep() override {
    last_->keep();
    return true;
  }
  void go_back() override { last_->go_back(); }

private:
  memory_store* last_ = nullptr;
};

class memory_cache_rig final : public cache_rig {
public:
  std::unique_ptr<cache> open() override {
    memory_cache::config settings;
    settings.ttl_us = ttl_us();
    settings.steady = [now = now_] { return now->load(); };
    return std::make_unique<memory_cache>(settings);
  }
  bool advance_time(int64_t us) override {
    now_->fetch_add(us);
    return true;
  }
  int64_t ttl_us() const override { return 30'000'000; }

private:
  std::shared_ptr<std::atomic<int64_t>> now_ =
      std::make_shared<std::atomic<int64_t>>(1'700'000'000'000'000);
};

} // namespace

std::unique_ptr<log_rig> make_memory_log_rig() {
  return std::make_unique<memory_log_rig>();
}

std::unique_ptr<store_rig> make_memory_store_rig() {
  return std::make_unique<memory_store_rig>();
}

std::unique_ptr<cache_rig> make_memory_cache_rig() {
  return std::make_unique<memory_cache_rig>();
}

} // namespace footfall::test
