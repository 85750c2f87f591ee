#include "net/http/response.hpp"

#include <cctype>
#include <ctime>

#include "net/http/json_text.hpp"
#include "proto/secrets.hpp"

namespace footfall::http {

namespace {

/// The title of a problem: its name in words.
std::string title_of(std::string_view name) {
  std::string out(name);
  for (auto& c : out)
    if (c == '_')
      c = ' ';
  if (!out.empty())
    out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out;
}

unsigned status_of(errc code) noexcept {
  switch (code) {
  case errc::none: return 200;
  case errc::invalid_argument: return 400;
  case errc::overloaded: return 429;
  case errc::not_found: return 404;
  case errc::event_too_large: return 413;
  case errc::disk_full: return 507;
  case errc::position_not_reached: return 504;
  case errc::timeout:
  case errc::log_unavailable:
  case errc::store_unavailable:
  case errc::fenced:
  case errc::shutting_down:
  case errc::partition_stopped:
  case errc::restarting: return 503;
  case errc::corrupt:
  case errc::gap:
  case errc::in_use:
  case errc::internal: return 500;
  }
  return 500;
}

} // namespace

std::string_view status_text(unsigned status) noexcept {
  switch (status) {
  case 200: return "OK";
  case 304: return "Not Modified";
  case 400: return "Bad Request";
  case 401: return "Unauthorized";
  case 403: return "Forbidden";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 408: return "Request Timeout";
  case 409: return "Conflict";
  case 413: return "Content Too Large";
  case 415: return "Unsupported Media Type";
  case 417: return "Expectation Failed";
  case 421: return "Misdirected Request";
  case 422: return "Unprocessable Content";
  case 429: return "Too Many Requests";
  case 431: return "Request Header Fields Too Large";
  case 503: return "Service Unavailable";
  case 504: return "Gateway Timeout";
  case 507: return "Insufficient Storage";
  default: return "Internal Server Error";
  }
}

void append_response(std::string& out, const response_frame& frame, unsigned status,
                     std::string_view type, std::string_view headers, std::string_view body) {
  out.reserve(out.size() + 160 + headers.size() + body.size());
  out += "HTTP/1.1 ";
  append_number(out, status);
  out += ' ';
  out += status_text(status);
  out += "\r\nContent-Type: ";
  out += type;
  out += "\r\nContent-Length: ";
  append_number(out, body.size());
  out += "\r\n";
  out += frame.date;
  if (frame.close)
    out += "Connection: close\r\n";
  else if (frame.http_1_0)
    out += "Connection: keep-alive\r\n";
  out += frame.extra;
  out += headers;
  out += "\r\n";
  if (!frame.without_body)
    out += body;
}

void append_stream_head(std::string& out, const response_frame& frame, std::string_view type,
                        std::string_view headers) {
  out += "HTTP/1.1 200 OK\r\nContent-Type: ";
  out += type;
  out += "\r\n";
  out += frame.http_1_0 ? "Connection: close\r\n" : "Transfer-Encoding: chunked\r\n";
  out += frame.date;
  out += frame.extra;
  out += headers;
  out += "\r\n";
}

std::string problem_body(const problem& x) {
  std::string out = "{\"type\":\"urn:footfall:problem:";
  out += x.name;
  out += '"';
  append_key(out, "title");
  append_json_string(out, title_of(x.name));
  append_key(out, "status");
  append_number(out, x.status);
  append_key(out, "detail");
  // What is wrong with a request is said in the client's own words, and whoever could see
  // them masked could guess secrets. All else may come from a library.
  append_json_safe(out, x.status < 429 ? x.detail : hide_secrets(x.detail));
  append_key(out, "retry");
  out += x.retry ? "true" : "false";
  if (!x.field.empty()) {
    append_key(out, "field");
    append_json_safe(out, x.field);
  }
  out += x.members;
  out += "}\n";
  return out;
}

void append_problem(std::string& out, const response_frame& frame, const problem& x) {
  std::string headers = x.headers;
  if (x.status == 429 || x.status == 503)
    headers += "Retry-After: " + std::to_string(x.retry_after_s) + "\r\n";
  append_response(out, frame, x.status, problem_type, headers, problem_body(x));
}

problem problem_of(errc code, std::string detail) {
  problem out;
  out.status = status_of(code);
  out.name = to_string(code);
  out.detail = std::move(detail);
  out.retry = is_retryable(code) || code == errc::fenced;
  if (out.detail.empty())
    out.detail = title_of(out.name);
  if (code == errc::invalid_argument)
    out.field = field_of(out.detail);
  return out;
}

const char* to_text(outcome x) noexcept {
  switch (x) {
  case outcome::accepted: return "accepted";
  case outcome::rejected: return "rejected";
  case outcome::unknown: return "unknown";
  }
  return "unknown";
}

void append_result(std::string& out, const event_result& x, std::string_view warning) {
  out += "\"status\":\"";
  out += to_text(x.status);
  out += '"';
  if (!x.event_id.empty()) {
    out += ",\"event_id\":";
    append_json_safe(out, x.event_id);
  }
  if (x.status == outcome::accepted) {
    out += ",\"position\":\"";
    append_number(out, x.pos.partition);
    out += ':';
    append_number(out, static_cast<uint64_t>(x.pos.offset));
    out += '"';
    if (!warning.empty()) {
      append_key(out, "warning");
      append_json_safe(out, warning);
    }
  } else {
    out += ",\"code\":\"";
    out += to_string(x.code);
    out += "\",\"reason\":";
    append_json_safe(out, x.code == errc::invalid_argument ? x.reason : hide_secrets(x.reason));
    out += x.status == outcome::unknown || is_retryable(x.code) ? ",\"retry\":true"
                                                                : ",\"retry\":false";
    if (x.retry_after_s != 0) {
      append_key(out, "retry_after");
      append_number(out, x.retry_after_s);
    }
  }
}

std::string field_of(std::string_view reason) {
  const auto word = reason.substr(0, reason.find(' '));
  for (std::string_view name :
       {"event_id", "user_id", "event_type", "page_url", "time_stamp", "site_id", "from", "to",
        "limit", "step", "after", "positions", "open", "partition"})
    if (word == name)
      return std::string(name);
  return {};
}

std::string trace_header(const trace_context& x) {
  return "traceresponse: " + to_string(x) + "\r\n";
}

std::string date_line(int64_t now_us) {
  const auto seconds = static_cast<time_t>(now_us / 1'000'000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  const auto size = strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
  return {text, size};
}

} // namespace footfall::http
