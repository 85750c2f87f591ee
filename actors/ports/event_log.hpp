#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <caf/expected.hpp>

#include "proto/event.hpp"
#include "proto/record.hpp"

namespace footfall {

/// One record to append.
struct log_record {
  uint32_t partition = 0;
  std::string key;   ///< See model::record_key.
  std::string value; ///< Encoded footfall.v1.ClickEvent.
};

/// The delivery report of one record.
struct append_outcome {
  outcome status = outcome::unknown;
  errc code = errc::none; ///< Why, unless accepted.
  position pos;           ///< Only when accepted.
};

/// Consecutive records of one partition.
struct log_batch {
  uint32_t partition = 0;
  std::vector<log_entry> entries; ///< Never empty; offsets rise.
  int64_t end_offset = 0;         ///< One past the newest record, when it was read.
};
template <class Inspector>
auto inspect(Inspector& f, log_batch& x) {
  return wire::object(f, "log_batch", x.partition, x.entries, x.end_offset);
}

struct fetch_limits {
  uint32_t records = 5000;
  uint32_t bytes = 1 << 20;
};

/// The durable, partitioned, ordered record of accepted events; all else is
/// rebuilt from it.
///
/// No call blocks; every callback runs exactly once, on a thread of the log, and
/// must not block either. Any thread may call. The destructor answers what is
/// still open (`unknown` for appends, errc::shutting_down for fetches) and joins
/// its threads. Every adapter passes tests/contract/event_log.cpp.
class event_log {
public:
  using append_done = std::function<void(std::vector<append_outcome>)>;
  using fetch_done = std::function<void(caf::expected<log_batch>)>;

  virtual ~event_log() = default;

  /// Name that progress is kept under; for Kafka the topic.
  virtual const std::string& topic() const = 0;
  virtual uint32_t partitions() const = 0;

  /// Appends records in order (per partition). `done` gets one outcome for each,
  /// `accepted` only when the record is durable. When a limit is reached all are
  /// `rejected` with errc::overloaded, and nothing of them was stored.
  virtual void append(std::vector<log_record> batch, append_done done) = 0;

  /// Delivers the next records from `from` on, in order, as soon as there is at
  /// least one; waits without a limit otherwise. One fetch at a time for each
  /// partition: another one replaces the one that waits, which then fails with
  /// errc::timeout. Fails with errc::gap when records from `from` on are gone, or
  /// when the log ends before `from`.
  virtual void fetch(uint32_t partition, int64_t from, fetch_limits most, fetch_done done) = 0;

  /// Records below `below` are applied and will not be asked for again: the log
  /// may drop them as its own retention allows.
  virtual void applied(uint32_t partition, int64_t below) = 0;

  /// Empty when healthy, else what is wrong, for /readyz.
  virtual std::string health() const = 0;
};

} // namespace footfall
