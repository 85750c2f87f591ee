#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/error.hpp"
#include "proto/wire.hpp"

namespace footfall {

/// Why a partition stopped, for programs. Append only.
enum class stop_kind : uint8_t {
  none = 0,
  records_lost = 1,  ///< Records that were never applied are gone from the log.
  log_too_short = 2, ///< The log ends before what was applied.
  other_log = 3,     ///< Under the log's name stands another one than was applied.
  store_damaged = 4, ///< What the store says of the partition contradicts itself.
};

/// Stable text of the kind, for example "other_log".
const char* to_string(stop_kind x) noexcept;

/// How a partition is, for people who look after it.
struct partition_row {
  uint32_t partition = 0;
  std::string state; ///< "running", "claiming", "stopped" or "idle".
  stop_kind stopped = stop_kind::none;
  std::string why; ///< In words; empty unless stopped.
  int64_t next_offset = 0;
  int64_t folded_offset = 0;
  int64_t log_first = -1; ///< -1: the log does not say it now.
  int64_t log_end = -1;
  bool here = true; ///< This node has it; else the offsets are what it knew last.
};

/// What became of a change that a person asked for.
struct partition_reply {
  errc code = errc::none;
  std::string reason; ///< Why not; else what was done, in words.
};
template <class Inspector>
auto inspect(Inspector& f, partition_reply& x) {
  return wire::reply(f, "partition_reply", x);
}

} // namespace footfall
