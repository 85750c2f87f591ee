#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
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

/// All records of one partition from `first_offset` on, below `next_offset`. An offset
/// between them without a record has none and never will: a transaction's marker, what
/// was aborted, what was compacted. That is no loss.
struct log_batch {
  uint32_t partition = 0;
  int64_t first_offset = 0;       ///< What was asked for.
  int64_t next_offset = 0;        ///< Above first_offset; where the next fetch goes on.
  std::vector<log_entry> entries; ///< Offsets rise. Empty when the log ends in a hole.
  int64_t end_offset = 0;         ///< One past the newest offset, when it was read.
};
template <class Inspector>
auto inspect(Inspector& f, log_batch& x) {
  return wire::object(f, "log_batch", x.partition, x.first_offset, x.next_offset, x.entries,
                      x.end_offset);
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
  using look_done = std::function<void(caf::expected<log_view>)>;

  virtual ~event_log() = default;

  /// Name that progress is kept under; for Kafka the topic. Another log may come to have
  /// it: see log_view::identity.
  virtual const std::string& topic() const = 0;
  /// Those that records are appended to; fixed while it is open.
  virtual uint32_t partitions() const = 0;
  /// Those that can be read now; more than partitions() when some were added since.
  virtual uint32_t partitions_found() const { return partitions(); }

  /// Appends records in order (per partition). `done` gets one outcome for each,
  /// `accepted` only when the record is durable. When a limit is reached all are
  /// `rejected` with errc::overloaded, and nothing of them was stored. A record that
  /// the log takes in no case is `rejected` alone, with errc::event_too_large or
  /// errc::invalid_argument.
  virtual void append(std::vector<log_record> batch, append_done done) = 0;

  /// How long after it was appended a record that is answered `accepted` may come to stand in
  /// the log, behind others that were appended later. 0: nobody else appends, and all stand in
  /// the order in which they were appended.
  virtual std::chrono::microseconds overtaken_most() const { return std::chrono::microseconds{0}; }

  /// Delivers the next records from `from` on, in order, as soon as there is at
  /// least one, or as the log is known to end in offsets without a record; waits
  /// without a limit otherwise. One fetch at a time for each partition: another one
  /// replaces the one that waits, which then fails with errc::timeout. Fails with
  /// errc::gap when `from` lies below the log's start (records from there on are
  /// gone), or beyond its end.
  virtual void fetch(uint32_t partition, int64_t from, fetch_limits most, fetch_done done) = 0;

  /// Which log this is and what it holds of a partition, asked anew; with the record at
  /// `offset` when that is not below 0 and there is one. Moves no fetch.
  virtual void look(uint32_t partition, int64_t offset, look_done done) = 0;

  /// Records below `below` are applied and will not be asked for again: the log
  /// may drop them as its own retention allows.
  virtual void applied(uint32_t partition, int64_t below) = 0;

  /// Nobody here reads or applies the partition now: what was read ahead of it goes, and a
  /// fetch that waits fails with errc::timeout.
  virtual void close(uint32_t) {}

  /// Empty when healthy, else what is wrong, for /readyz.
  virtual std::string health() const = 0;

  /// When a server of the log last answered, by steady_now(); it is asked each second. None:
  /// there is no server.
  virtual std::optional<int64_t> heard_us() const { return std::nullopt; }
};

} // namespace footfall
