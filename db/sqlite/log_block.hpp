#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "db/sqlite/position_key.hpp"

namespace footfall::sqlite {

/// The records of one partition that one commit took. As bytes: CRC-32 (over what
/// identifies the block and all that follows), then each record after its length,
/// numbers little-endian in four bytes.
struct log_block {
  int64_t first = 0; ///< Offset of the first record.
  int64_t time_us = 0;
  std::string bytes;
  std::vector<uint32_t> starts; ///< Where each record's bytes begin.

  int64_t end() const noexcept { return first + static_cast<int64_t>(starts.size()); }
  std::string_view record(int64_t offset) const noexcept;

  /// Filling a block: open, add each record, seal with its place and time.
  void open();
  void add(std::string_view record);
  void seal(uint32_t partition);
};

/// Reads a block that was stored. @returns false when it is damaged.
bool read_block(uint32_t partition, int64_t first, int64_t count, int64_t time_us,
                std::string_view bytes, log_block& out);

} // namespace footfall::sqlite
