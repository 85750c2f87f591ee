#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "actors/ports/clock.hpp"
#include "actors/ports/event_log.hpp"

namespace footfall {

/// The event log of embedded mode: the file `log.db` in the data folder.
///
/// One thread writes: all appends that wait go into one transaction, durable when
/// it answers. Another answers fetches, from memory for readers that keep up. When
/// the disk is full or fails, appends fail and later ones are tried again.
class sqlite_log final : public event_log {
public:
  struct config {
    std::string folder = "data";
    std::string topic = "clicks";   ///< How the id of a log made now begins.
    uint32_t partitions = 4;        ///< Of a log that is made now.
    size_t queue_records = 100'000; ///< More that wait are overload, in one append or many.
    size_t queue_bytes = 64 << 20;
    size_t tail_bytes = 16 << 20;            ///< Newest blocks that are kept in memory.
    int64_t retain_bytes = 64 << 20;         ///< Applied records that are kept, newest ones.
    int checkpoint_pages = 5'000;            ///< Of the WAL, that make one due.
    std::chrono::microseconds gather{1'000}; ///< Between two commits of many clients.
    now_fn now = system_now_us;
  };

  /// Opens the log of the folder, or makes it. Refuses a file that is damaged,
  /// foreign, newer than this program or in use, naming it.
  static caf::expected<std::unique_ptr<event_log>> open(config settings);
  ~sqlite_log() override;

  const std::string& topic() const override;
  uint32_t partitions() const override;
  void append(std::vector<log_record> batch, append_done done) override;
  void fetch(uint32_t partition, int64_t from, fetch_limits most, fetch_done done) override;
  void look(uint32_t partition, int64_t offset, look_done done) override;
  void applied(uint32_t partition, int64_t below) override;
  std::string health() const override;

private:
  struct impl;
  explicit sqlite_log(std::unique_ptr<impl> x);
  std::unique_ptr<impl> impl_;
};

} // namespace footfall
