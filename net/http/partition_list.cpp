#include "net/http/partition_list.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "net/http/json_text.hpp"

namespace footfall::http {

namespace {

void append_text(std::string& out, std::string_view name, const std::string& value) {
  append_key(out, name);
  if (value.empty())
    out += "null";
  else
    append_json_safe(out, value);
}

void append_row(std::string& out, const partition_row& x) {
  out += '{';
  append_known(out, "partition", x.partition);
  append_text(out, "state", x.state);
  append_text(out, "stopped", x.stopped == stop_kind::none ? "" : to_string(x.stopped));
  append_text(out, "reason", x.why);
  append_known(out, "next_offset", x.next_offset);
  append_known(out, "folded_offset", x.folded_offset);
  append_known(out, "log_first", x.log_first);
  append_known(out, "log_end", x.log_end);
  append_known(out, "lag", x.log_end < 0 ? -1 : std::max<int64_t>(0, x.log_end - x.next_offset));
  out += '}';
}

constexpr int64_t partition_most = std::numeric_limits<uint32_t>::max();

/// A whole number from 0 on; -1 when it is missing or something else.
int64_t read_number(const query_params& params, std::string_view name) {
  const auto* text = params.find(name);
  int64_t out = -1;
  if (!text)
    return out;
  const auto read = std::from_chars(text->data(), text->data() + text->size(), out);
  return read.ec == std::errc{} && read.ptr == text->data() + text->size() && out >= 0 ? out : -1;
}

} // namespace

std::string render(const partitions_reply& x) {
  std::string out = "{\"partitions\":[";
  for (const auto& row : x.rows) {
    if (out.back() != '[')
      out += ',';
    append_row(out, row);
  }
  out += ']';
  append_text(out, "data_dir", x.data_dir);
  out += "}\n";
  return out;
}

std::string render(const partition_reply& x) {
  std::string out = "{";
  append_text(out, "done", x.reason);
  out += "}\n";
  return out;
}

std::string read_skip(const query_params& params, uint32_t& partition, int64_t& to) {
  if (auto bad = params.check_names({"partition", "to"}); !bad.empty())
    return bad;
  const auto number = read_number(params, "partition");
  if (number < 0 || number > partition_most)
    return "partition is missing or no whole number from 0 on";
  partition = static_cast<uint32_t>(number);
  to = read_number(params, "to");
  return to < 0 ? "to is missing or no whole number from 0 on" : "";
}

} // namespace footfall::http
