#pragma once

#include <string>
#include <string_view>

#include "proto/event.hpp"
#include "proto/trace.hpp"

namespace footfall::http {

/// Media types of our bodies.
inline constexpr std::string_view json_type = "application/json";
inline constexpr std::string_view problem_type = "application/problem+json";
inline constexpr std::string_view metrics_type = "text/plain; version=0.0.4; charset=utf-8";

/// What the head of a response needs to know of the connection.
struct response_frame {
  std::string_view date; ///< A whole "Date: ...\r\n" line, or empty.
  bool http_1_0 = false;
  bool close = false;        ///< The connection ends after this response.
  bool without_body = false; ///< The answer to HEAD.
  std::string extra = {};    ///< Header lines that any answer to the request has.
};

/// Appends a whole response. `headers` are whole lines. No exceptions but bad_alloc.
void append_response(std::string& out, const response_frame& frame, unsigned status,
                     std::string_view type, std::string_view headers, std::string_view body);

/// Appends the head of a response whose body goes on: in chunks, or in HTTP/1.0 to the end of
/// the connection.
void append_stream_head(std::string& out, const response_frame& frame, std::string_view type,
                        std::string_view headers);

/// What a client is told when something is wrong (RFC 9457).
struct problem {
  unsigned status = 500;
  std::string_view name;      ///< Stable: the last part of `type`.
  std::string detail;         ///< What was wrong, where, and what to do.
  bool retry = false;         ///< The same request may succeed later.
  std::string field = {};     ///< The field that is wrong, when known.
  std::string members = {};   ///< More members: `,"name":value...`.
  std::string headers = {};   ///< More header lines.
  uint32_t retry_after_s = 1; ///< For 429 and 503.
};

/// The body: {type, title, status, detail, retry, field, ...}.
std::string problem_body(const problem& x);

/// Appends the response for a problem; 429 and 503 get Retry-After.
void append_problem(std::string& out, const response_frame& frame, const problem& x);

/// The problem of an error code: its status, name and whether to retry.
problem problem_of(errc code, std::string detail);

const char* to_text(outcome x) noexcept;

/// Appends what became of an event, as members without the braces: status, event_id
/// and either position (and a warning, if there is one), or code, reason and retry.
void append_result(std::string& out, const event_result& x, std::string_view warning = {});

/// The field that a refusal names in its first word, or empty.
std::string field_of(std::string_view reason);

/// A whole line that tells a client by what its request is known here (W3C Trace Context, level 2).
std::string trace_header(const trace_context& x);

/// "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n".
std::string date_line(int64_t now_us);

std::string_view status_text(unsigned status) noexcept;

} // namespace footfall::http
