#include "net/kafka/entry.hpp"

#include <algorithm>
#include <string_view>

namespace footfall::kafka {

namespace {

record_format format_of(const rd_kafka_message_t& message) {
  rd_kafka_headers_t* headers = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  if (!rd_kafka_message_headers(&message, &headers)
      && !rd_kafka_header_get_last(headers, "content-type", &value, &size) && value) {
    std::string_view type(static_cast<const char*>(value), size);
    if (type.starts_with("application/json"))
      return record_format::json;
    if (type.starts_with("application/protobuf"))
      return record_format::protobuf;
  }
  // No protobuf record begins with '{'. Anything else that is wrong shows later.
  bool object = message.len > 0 && *static_cast<const char*>(message.payload) == '{';
  return object ? record_format::json : record_format::protobuf;
}

} // namespace

log_entry entry_of(const rd_kafka_message_t& message) {
  log_entry out;
  out.offset = message.offset;
  rd_kafka_timestamp_type_t type;
  const auto time_ms = rd_kafka_message_timestamp(&message, &type);
  out.time_us = std::clamp<int64_t>(time_ms, 0, limits::last_at_us / 1000) * 1000;
  out.format = format_of(message);
  if (message.len > 0)
    out.value.assign(static_cast<const char*>(message.payload), message.len);
  return out;
}

} // namespace footfall::kafka
