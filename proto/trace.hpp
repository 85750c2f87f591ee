#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/wire.hpp"

namespace footfall {

/// What a request is known by in the logs of all that work on it, in the words of W3C Trace
/// Context. All zeros: it has no name.
struct trace_context {
  uint64_t high = 0, low = 0; ///< Of the trace.
  uint64_t span = 0;          ///< Of whoever asks within it.
  bool sampled = false; ///< Its client keeps what is told of it, so each who works on it tells.

  explicit operator bool() const noexcept { return (high | low) != 0; }
};
template <class Inspector>
auto inspect(Inspector& f, trace_context& x) {
  return wire::object(f, "trace_context", x.high, x.low, x.span, x.sampled);
}

/// Reads a `traceparent` (W3C Trace Context, level 1). @returns zeros when it is none: what cannot
/// be read is as good as nothing.
trace_context parse_traceparent(std::string_view text);

/// The same trace with a new span; of zeros, a new trace, which is not sampled.
trace_context next_span(trace_context x);

/// 32 and 16 hexadecimal digits.
std::string trace_id(const trace_context& x);
std::string span_id(const trace_context& x);

/// As parse_traceparent() reads it.
std::string to_string(const trace_context& x);

} // namespace footfall
