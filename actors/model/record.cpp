#include "actors/model/record.hpp"

#include <google/protobuf/stubs/logging.h>

#include "actors/model/event_json.hpp"
#include "actors/model/event_key.hpp"
#include "actors/model/validate.hpp"
#include "footfall/v1/event.pb.h"

namespace footfall::model {

namespace {

/// What protobuf has to say of somebody's bytes is a reason, of a bad event or in an answer, and
/// no line of our log for each of them.
[[maybe_unused]] const auto library_says = google::protobuf::SetLogHandler(nullptr);

constexpr size_t record_bytes_max = 32 << 10;

int64_t arrival_or(int64_t received_us, int64_t log_us) noexcept {
  const bool is_time = received_us >= limits::first_at_us && received_us < limits::last_at_us;
  return is_time ? received_us : log_us;
}

/// Reads the next field of a protobuf message, which begins at `at`. Texts and numbers of
/// eight bytes are all that a ClickEvent has. @returns its number; 0: there is no other.
uint32_t next_field(std::string_view from, size_t& at, std::string_view& value) noexcept {
  auto varint = [&](uint64_t& out) {
    out = 0;
    for (unsigned shift = 0; at < from.size() && shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(from[at++]);
      out |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80)
        return true;
    }
    return false;
  };
  uint64_t tag = 0;
  uint64_t size = 8;
  if (!varint(tag) || ((tag & 7) != 1 && (tag & 7) != 2) || ((tag & 7) == 2 && !varint(size))
      || size > from.size() - at)
    return 0;
  value = from.substr(at, size);
  at += size;
  return static_cast<uint32_t>(tag >> 3);
}

std::string decode_protobuf(const log_entry& entry, click_event& event, int64_t& received_at_us) {
  thread_local v1::ClickEvent record;
  if (!record.ParseFromString(entry.value))
    return "the record is not a footfall.v1.ClickEvent";
  event.site_id = std::move(*record.mutable_site_id());
  event.event_id = std::move(*record.mutable_event_id());
  event.user_id = std::move(*record.mutable_user_id());
  event.event_type = std::move(*record.mutable_event_type());
  event.page_url = std::move(*record.mutable_page_url());
  event.at_us = record.at_us();
  // Another producer may have put anything there; no click is lost for it.
  received_at_us = arrival_or(record.received_at_us(), entry.time_us);
  return {};
}

// Other producers write the reference's five fields. What they leave out comes
// from the record alone: the time is the log's.
std::string decode_json(const log_entry& entry, click_event& event, int64_t& received_at_us) {
  thread_local event_json_parser parser;
  auto parsed = parser.parse_event(entry.value);
  if (!parsed.reason.empty())
    return parsed.reason;
  event = std::move(parsed.event);
  received_at_us = entry.time_us;
  if (event.at_us == unset_time)
    event.at_us = entry.time_us;
  return {};
}

} // namespace

std::string record_key(std::string_view site_id, std::string_view page_url) {
  std::string out;
  if (!site_id.empty() && site_id != default_site) {
    out.reserve(site_id.size() + 1 + page_url.size());
    out.append(site_id).push_back('\0');
  }
  out.append(page_url);
  return out;
}

// Source: org.apache.kafka.common.utils.Utils.murmur2, by Austin Appleby's
// MurmurHash2 (public domain), seed 0x9747b28c.
uint32_t murmur2(std::string_view key) noexcept {
  constexpr uint32_t m = 0x5bd1e995;
  constexpr int r = 24;
  const auto* data = reinterpret_cast<const unsigned char*>(key.data());
  size_t left = key.size();
  uint32_t h = 0x9747b28c ^ static_cast<uint32_t>(left);
  for (; left >= 4; left -= 4, data += 4) {
    uint32_t k = static_cast<uint32_t>(data[0]) | static_cast<uint32_t>(data[1]) << 8
                 | static_cast<uint32_t>(data[2]) << 16 | static_cast<uint32_t>(data[3]) << 24;
    k *= m;
    k ^= k >> r;
    k *= m;
    h *= m;
    h ^= k;
  }
  if (left >= 3)
    h ^= static_cast<uint32_t>(data[2]) << 16;
  if (left >= 2)
    h ^= static_cast<uint32_t>(data[1]) << 8;
  if (left >= 1) {
    h ^= static_cast<uint32_t>(data[0]);
    h *= m;
  }
  h ^= h >> 13;
  h *= m;
  h ^= h >> 15;
  return h;
}

uint32_t partition_of(std::string_view key, uint32_t partitions) noexcept {
  return (murmur2(key) & 0x7fffffffu) % partitions;
}

std::string encode_record(const click_event& event, int64_t received_at_us) {
  thread_local v1::ClickEvent record;
  if (event.site_id == default_site)
    record.clear_site_id();
  else
    record.set_site_id(event.site_id);
  record.set_event_id(event.event_id);
  record.set_user_id(event.user_id);
  record.set_event_type(event.event_type);
  record.set_page_url(event.page_url);
  record.set_at_us(event.at_us);
  record.set_received_at_us(received_at_us);
  return record.SerializeAsString();
}

std::string decode_record(const log_entry& entry, event_row& out) {
  if (entry.value.empty())
    return "the record is empty";
  if (entry.value.size() > record_bytes_max)
    return "the record has more than 32 KiB";
  click_event event;
  std::string reason;
  if (entry.format == record_format::json)
    reason = decode_json(entry, event, out.received_at_us);
  else
    reason = decode_protobuf(entry, event, out.received_at_us);
  if (!reason.empty())
    return reason;
  if (event.event_id.empty())
    return "event_id is missing or empty";
  if (event.at_us == unset_time)
    return "time_stamp is missing";
  if (auto bad = validate(event))
    return bad.reason;
  auto key = event_key_of(event.event_id);
  out.offset = entry.offset;
  out.key = key.bytes;
  out.key_is_id = key.is_id;
  out.at_us = event.at_us;
  out.payload_hash = payload_hash(event.user_id, event.event_type, event.page_url);
  out.site_id = std::move(event.site_id);
  out.event_id = std::move(event.event_id);
  out.user_id = std::move(event.user_id);
  out.event_type = std::move(event.event_type);
  out.page_url = std::move(event.page_url);
  return {};
}

int64_t arrival_of(const log_entry& entry) noexcept {
  if (entry.format != record_format::protobuf)
    return entry.time_us;
  std::string_view value;
  for (size_t at = 0; const auto field = next_field(entry.value, at, value);)
    if (field == v1::ClickEvent::kReceivedAtUsFieldNumber && value.size() == sizeof(int64_t)) {
      uint64_t received = 0;
      for (size_t i = sizeof received; i-- > 0;)
        received = received << 8 | static_cast<unsigned char>(value[i]);
      return arrival_or(static_cast<int64_t>(received), entry.time_us);
    }
  return entry.time_us;
}

std::string read_again(const bad_event& bad, click_event& out) {
  // No ClickEvent begins with white space or '{'.
  const auto first = bad.raw.find_first_not_of(" \t\r\n");
  const bool is_json = first != std::string::npos && bad.raw[first] == '{';
  const log_entry entry{bad.pos.offset, bad.time_us,
                        is_json ? record_format::json : record_format::protobuf, bad.raw};
  event_row row;
  if (auto reason = decode_record(entry, row); !reason.empty())
    return reason;
  out = {std::move(row.site_id),    std::move(row.event_id), std::move(row.user_id),
         std::move(row.event_type), std::move(row.page_url), row.at_us};
  return {};
}

} // namespace footfall::model
