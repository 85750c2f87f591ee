#include "db/sqlite/log_block.hpp"

#include <cstring>

#include <zlib.h>

namespace footfall::sqlite {

namespace {

constexpr size_t number_bytes = 4;

void write_number(char* to, uint32_t x) noexcept {
  for (size_t i = 0; i < number_bytes; ++i)
    to[i] = static_cast<char>(x >> (8 * i));
}

uint32_t read_number(const char* from) noexcept {
  uint32_t x = 0;
  for (size_t i = 0; i < number_bytes; ++i)
    x |= static_cast<uint32_t>(static_cast<unsigned char>(from[i])) << (8 * i);
  return x;
}

uint32_t checksum(uint32_t partition, int64_t first, int64_t count, int64_t time_us,
                  std::string_view bytes) noexcept {
  const int64_t head[] = {position_key(0, partition, first), count, time_us};
  auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(head), sizeof head);
  sum = crc32_z(sum, reinterpret_cast<const Bytef*>(bytes.data() + number_bytes),
                bytes.size() - number_bytes);
  return static_cast<uint32_t>(sum);
}

} // namespace

std::string_view log_block::record(int64_t offset) const noexcept {
  const auto start = starts[static_cast<size_t>(offset - first)];
  return {bytes.data() + start, read_number(bytes.data() + start - number_bytes)};
}

void log_block::open() {
  bytes.assign(number_bytes, '\0');
  starts.clear();
}

void log_block::add(std::string_view record) {
  char length[number_bytes];
  write_number(length, static_cast<uint32_t>(record.size()));
  bytes.append(length, number_bytes);
  starts.push_back(static_cast<uint32_t>(bytes.size()));
  bytes.append(record);
}

void log_block::seal(uint32_t partition) {
  write_number(bytes.data(),
               checksum(partition, first, static_cast<int64_t>(starts.size()), time_us, bytes));
}

bool read_block(uint32_t partition, int64_t first, int64_t count, int64_t time_us,
                std::string_view bytes, log_block& out) {
  if (bytes.size() < number_bytes
      || read_number(bytes.data()) != checksum(partition, first, count, time_us, bytes))
    return false;
  out.first = first;
  out.time_us = time_us;
  out.bytes.assign(bytes);
  out.starts.clear();
  for (size_t at = number_bytes; at < bytes.size();) {
    if (bytes.size() - at < number_bytes)
      return false;
    const size_t length = read_number(bytes.data() + at);
    at += number_bytes;
    if (bytes.size() - at < length)
      return false;
    out.starts.push_back(static_cast<uint32_t>(at));
    at += length;
  }
  return static_cast<int64_t>(out.starts.size()) == count;
}

} // namespace footfall::sqlite
