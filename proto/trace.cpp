#include "proto/trace.hpp"

#include <charconv>
#include <cstdio>
#include <random>

namespace footfall {

namespace {

constexpr size_t whole = 55; // 00-(32 digits)-(16 digits)-(2 digits)

/// Digits in lower case, and nothing else; what is longer than 16 is none.
bool read_hex(std::string_view text, uint64_t& out) {
  for (const char c : text)
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
      return false;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

std::mt19937_64 seeded() {
  std::random_device device;
  std::seed_seq words{device(), device(), device(), device(), device(), device()};
  return std::mt19937_64{words};
}

std::string hex(uint64_t x) {
  char out[17];
  std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(x));
  return out;
}

} // namespace

trace_context parse_traceparent(std::string_view text) {
  trace_context out;
  uint64_t version = 0, flags = 0;
  const bool is_one =
      text.size() >= whole && text[2] == '-' && text[35] == '-' && text[52] == '-'
      && read_hex(text.substr(0, 2), version) && read_hex(text.substr(3, 16), out.high)
      && read_hex(text.substr(19, 16), out.low) && read_hex(text.substr(36, 16), out.span)
      && read_hex(text.substr(53, 2), flags);
  // Later versions may say more behind it; ff is none.
  const bool ends_well =
      text.size() == whole || (text.size() > whole && version > 0 && text[whole] == '-');
  if (!is_one || !ends_well || version == 0xff || !out || out.span == 0)
    return {};
  out.sampled = (flags & 1) != 0;
  return out;
}

trace_context next_span(trace_context x) {
  thread_local std::mt19937_64 chance = seeded();
  if (!x) {
    x.high = chance();
    x.low = chance() | 1; // Never all zeros.
  }
  x.span = chance() | 1;
  return x;
}

std::string trace_id(const trace_context& x) {
  return hex(x.high) + hex(x.low);
}

std::string span_id(const trace_context& x) {
  return hex(x.span);
}

std::string to_string(const trace_context& x) {
  return "00-" + trace_id(x) + '-' + span_id(x) + (x.sampled ? "-01" : "-00");
}

} // namespace footfall
