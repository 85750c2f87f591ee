#include "tests/contract/rigs_sqlite.hpp"

#include "db/sqlite/sqlite_log.hpp"
#include "db/sqlite/sqlite_store.hpp"
#include "tests/contract/temporary_folder.hpp"

namespace footfall::test {

namespace {

class sqlite_log_rig final : public log_rig {
public:
  std::unique_ptr<event_log> open() override {
    sqlite_log::config settings;
    settings.folder = folder_.path();
    settings.queue_records = batch_records_max();
    settings.tail_bytes = 100'000;
    settings.retain_bytes = 0;
    auto made = sqlite_log::open(settings);
    if (!made)
      throw std::runtime_error(text_of(made.error()));
    return std::move(*made);
  }
  size_t batch_records_max() const override { return 5'000; }

private:
  temporary_folder folder_;
};

class sqlite_store_rig final : public store_rig {
public:
  std::unique_ptr<store> open() override {
    sqlite_store::config settings;
    settings.folder = folder_.path();
    settings.write_calls_max = waiting_max();
    settings.recent_ids_max = 60;
    settings.merge_rows_min = 40;
    settings.merge_step_min = 3;
    auto made = sqlite_store::open(settings);
    if (!made)
      throw std::runtime_error(text_of(made.error()));
    return std::move(*made);
  }
  size_t waiting_max() const override { return 64; }

private:
  temporary_folder folder_;
};

} // namespace

std::unique_ptr<log_rig> make_sqlite_log_rig() {
  return std::make_unique<sqlite_log_rig>();
}

std::unique_ptr<store_rig> make_sqlite_store_rig() {
  return std::make_unique<sqlite_store_rig>();
}

} // namespace footfall::test
