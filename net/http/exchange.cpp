#include "net/http/exchange.hpp"

namespace footfall::http {

const char* to_text(method x) noexcept {
  switch (x) {
  case method::get: return "GET";
  case method::head: return "HEAD";
  case method::post: return "POST";
  case method::del: return "DELETE";
  case method::other: break;
  }
  return "OTHER";
}

void completion_queue::push(completion x) {
  std::lock_guard guard{mutex_};
  if (closed_)
    return;
  waiting_.push_back(std::move(x));
  if (awake_)
    return;
  awake_ = true;
  wake_();
}

void completion_queue::take(std::vector<completion>& out) {
  std::lock_guard guard{mutex_};
  out.swap(waiting_);
  awake_ = false;
}

void completion_queue::close() {
  std::lock_guard guard{mutex_};
  closed_ = true;
  waiting_.clear();
}

void pending_request::clear() {
  kind = 0;
  echo.clear();
  time_text.clear();
  refused.clear();
  first.reset();
  text.clear();
}

// A client that failed for no fault of its own is given a name to ask by.
void exchange::note(unsigned code) {
  answered = true;
  status = code;
  if (code < 500 || !traces || trace)
    return;
  trace = next_span({});
  frame.extra += trace_header(trace);
}

void exchange::refuse(const problem& x) {
  note(x.status);
  if (x.status < 500 && x.status != 429)
    add(counters->http_bad_requests);
  append_problem(*out, frame, x);
}

void exchange::begin_stream(std::string_view type, std::string_view headers,
                            std::shared_ptr<body_stream> body) {
  note(200);
  append_stream_head(*out, frame, type, headers);
  stream = std::move(body);
}

problem not_found(std::string_view what) {
  problem out{404, "not_found", "there is nothing at this path; " + std::string(what)};
  return out;
}

problem wrong_method(std::string_view allowed) {
  problem out{405, "method_not_allowed", "this path answers " + std::string(allowed) + " only"};
  out.headers = "Allow: " + std::string(allowed) + "\r\n";
  return out;
}

problem invalid(std::string detail) {
  return problem_of(errc::invalid_argument, std::move(detail));
}

} // namespace footfall::http
