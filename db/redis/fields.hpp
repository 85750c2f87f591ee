#pragma once

#include <charconv>
#include <cstring>
#include <string>
#include <vector>

#include <endian.h>
#include <hiredis/hiredis.h>

#include "proto/event.hpp"

/// How the fields of a page's hash are written and read.
namespace footfall::redis {

/// Where a count stands in the log, in 12 bytes for each partition.
inline std::string pack(const std::vector<position>& xs) {
  std::string out;
  for (const auto& x : xs) {
    const uint32_t partition = htobe32(x.partition);
    const uint64_t offset = htobe64(static_cast<uint64_t>(x.offset));
    out.append(reinterpret_cast<const char*>(&partition), sizeof partition);
    out.append(reinterpret_cast<const char*>(&offset), sizeof offset);
  }
  return out;
}

inline std::vector<position> unpack(const redisReply& from) {
  constexpr size_t one = 12;
  std::vector<position> out;
  for (size_t at = 0; at + one <= static_cast<size_t>(from.len); at += one) {
    uint32_t partition;
    uint64_t offset;
    std::memcpy(&partition, from.str + at, sizeof partition);
    std::memcpy(&offset, from.str + at + sizeof partition, sizeof offset);
    out.push_back({be32toh(partition), static_cast<int64_t>(be64toh(offset))});
  }
  return out;
}

/// False when the field is missing or no number.
template <class T>
bool read_number(const redisReply* from, T& out) {
  if (!from || from->type != REDIS_REPLY_STRING)
    return false;
  const char* end = from->str + from->len;
  auto read = std::from_chars(from->str, end, out);
  return read.ec == std::errc{} && read.ptr == end;
}

} // namespace footfall::redis
