#pragma once

#include <string>

#include "proto/partition.hpp"
#include "proto/record.hpp"

namespace footfall::model {

/// What a store knows of the log that a partition was applied from.
struct known_log {
  std::string identity; ///< Empty: none was noted.
  int64_t next_offset = 0;
  log_mark mark;
};

struct log_verdict {
  stop_kind fault = stop_kind::none;
  std::string why;      ///< With a fault: what is wrong, and what can be done.
  std::string identity; ///< Without: what is to be noted in place of the known one.
};

/// Whether a partition may be read on from next_offset. `found` was asked for the record
/// at the mark's offset.
log_verdict check_log(uint32_t partition, const known_log& known, const log_view& found);

/// The same for the same record in every version of the program: 64 bits of FNV-1a over
/// its time and its bytes.
int64_t hash_of(const log_entry& x) noexcept;
inline log_mark mark_of(const log_entry& x) noexcept {
  return {x.offset, hash_of(x)};
}

} // namespace footfall::model
