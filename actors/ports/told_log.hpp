#pragma once

#include <atomic>
#include <memory>

#include "actors/ports/event_log.hpp"
#include "actors/ports/store.hpp"

namespace footfall {

/// The event log of a node that has no way to it, as its roles need none: which partitions there
/// are it is told by the store. Nothing is read from it or appended to it.
class told_log final : public event_log {
public:
  /// Asks the store twice, and blocks for as long. @returns errc::store_unavailable while not all
  /// partitions of the topic were claimed once, as far as that shows: some are missing, or there
  /// are more after a `pause`.
  static caf::expected<std::unique_ptr<event_log>>
  open(std::string topic, store& events,
       std::chrono::milliseconds pause = std::chrono::milliseconds{1'500});

  /// @param events outlives whoever calls this log; null: nobody adds partitions
  told_log(std::string topic, uint32_t partitions, store* events);

  const std::string& topic() const override { return topic_; }
  uint32_t partitions() const override { return partitions_; }
  /// As of the call before: each one asks the store again.
  uint32_t partitions_found() const override;

  /// All are rejected.
  void append(std::vector<log_record> batch, append_done done) override;
  void fetch(uint32_t partition, int64_t from, fetch_limits most, fetch_done done) override;
  void look(uint32_t partition, int64_t offset, look_done done) override;
  void applied(uint32_t, int64_t) override {}
  std::string health() const override { return {}; }

private:
  struct found {
    std::atomic<uint32_t> partitions{0};
    std::atomic<bool> is_asked{false};
  };
  const std::string topic_;
  const uint32_t partitions_;
  store* events_;
  std::shared_ptr<found> found_ = std::make_shared<found>();
};

} // namespace footfall
