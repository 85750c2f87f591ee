#pragma once

#include <cstdint>

namespace footfall::sqlite {

/// Partitions fit in ten bits and topics in five, so that keys stay positive.
inline constexpr uint32_t partitions_max = 1u << 10;
inline constexpr uint32_t topics_max = 1u << 5;
inline constexpr int64_t offset_max = (int64_t{1} << 48) - 1;

/// A position as one number that sorts as positions do: topic number << 58 |
/// partition << 48 | offset.
constexpr int64_t position_key(uint32_t topic_no, uint32_t partition, int64_t offset) noexcept {
  return static_cast<int64_t>(static_cast<uint64_t>(topic_no) << 58
                              | static_cast<uint64_t>(partition) << 48
                              | static_cast<uint64_t>(offset));
}
constexpr uint32_t partition_of_key(int64_t key) noexcept {
  return static_cast<uint32_t>(key >> 48) & (partitions_max - 1);
}
constexpr int64_t offset_of_key(int64_t key) noexcept {
  return key & offset_max;
}

} // namespace footfall::sqlite
