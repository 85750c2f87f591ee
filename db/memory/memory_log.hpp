#pragma once

#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/ports/clock.hpp"
#include "actors/ports/event_log.hpp"
#include "db/memory/deliver.hpp"

namespace footfall {

/// An event log that forgets: for tests of what stands above a log.
///
/// Callbacks run before the call returns (a fetch that waits: inside the append
/// that ends the wait), or, when `manual`, as release() lets them go.
class memory_log final : public event_log {
public:
  struct config {
    std::string topic = "clicks";
    std::string identity = "log=memory";
    uint32_t partitions = 4;
    size_t batch_records_max = 100'000; ///< A larger append is overload.
    bool manual = false;
    bool retains = false; ///< Applied records stay, as a topic's do for days.
    std::chrono::microseconds overtaken_most{0};
    now_fn now = system_now_us;
  };

  explicit memory_log(config settings);
  ~memory_log() override;

  const std::string& topic() const override { return config_.topic; }
  uint32_t partitions() const override { return config_.partitions; }
  uint32_t partitions_found() const override;
  void append(std::vector<log_record> batch, append_done done) override;
  std::chrono::microseconds overtaken_most() const override { return config_.overtaken_most; }
  void fetch(uint32_t partition, int64_t from, fetch_limits most, fetch_done done) override;
  void look(uint32_t partition, int64_t offset, look_done done) override;
  void applied(uint32_t partition, int64_t below) override;
  std::string health() const override { return {}; }

  /// The next append fails as a whole. Codes that say "certainly not stored"
  /// (overloaded, disk_full, invalid_argument) give `rejected`, others `unknown`;
  /// unknown records are stored all the same when `stored`.
  void fail_next(errc code, bool stored = false);

  /// The log gets one more partition.
  void add_partition();

  /// The next `count` offsets of a partition have no record, as after a transaction.
  void skip(uint32_t partition, int64_t count);

  /// Another log under the same name: what was stored is gone.
  void make_anew(std::string identity);
  /// As when records are deleted before they were applied.
  void lose(uint32_t partition, int64_t below);
  /// As a log that was restored from an older copy.
  void cut(uint32_t partition, int64_t end);

  /// While set, looks wait; then they are answered as the log was when they were asked.
  void hold_looks(bool on);

  size_t waiting() const { return deliveries_.waiting(); }
  size_t release(size_t most = std::numeric_limits<size_t>::max()) {
    return deliveries_.release(most);
  }

private:
  struct open_fetch {
    int64_t from = 0;
    fetch_limits most;
    fetch_done done;
  };
  struct slice {
    int64_t first = 0; ///< Below are records that were dropped.
    int64_t end = 0;   ///< Of the next record.
    std::deque<log_entry> entries;
    std::optional<open_fetch> waiting;
  };
  struct failure {
    errc code = errc::none;
    bool stored = false;
  };

  /// The answer to a fetch, or nothing when it must wait. Needs the lock.
  std::optional<caf::expected<log_batch>> read(uint32_t partition, int64_t from,
                                               fetch_limits most) const;
  void store(std::vector<log_record>& batch, std::vector<append_outcome>& outcomes);
  void serve_waiting(uint32_t partition);

  const config config_;
  mutable std::mutex lock_;
  std::deque<slice> slices_;
  std::string identity_;
  std::deque<failure> failures_;
  bool holds_looks_ = false;
  std::vector<deliveries::callback> held_looks_;
  deliveries deliveries_;
};

} // namespace footfall
