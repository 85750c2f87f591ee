#include "net/http/exchange.hpp"

namespace footfall::http {

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

void exchange::refuse(const problem& x) {
  answered = true;
  if (x.status < 500 && x.status != 429)
    add(counters->http_bad_requests);
  append_problem(*out, frame, x);
}

void exchange::begin_stream(std::string_view type, std::string_view headers,
                            std::shared_ptr<body_stream> body) {
  answered = true;
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
