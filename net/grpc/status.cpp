#include "net/grpc/status.hpp"

#include <algorithm>

#include "proto/secrets.hpp"

namespace footfall::rpc {

namespace {

grpc::StatusCode grpc_code_of(errc code) noexcept {
  switch (code) {
  case errc::none: return grpc::StatusCode::OK;
  case errc::invalid_argument:
  case errc::event_too_large: return grpc::StatusCode::INVALID_ARGUMENT;
  case errc::overloaded:
  case errc::disk_full: return grpc::StatusCode::RESOURCE_EXHAUSTED;
  case errc::timeout:
  case errc::log_unavailable:
  case errc::store_unavailable:
  case errc::fenced:
  case errc::shutting_down:
  case errc::partition_stopped:
  case errc::restarting: return grpc::StatusCode::UNAVAILABLE;
  case errc::corrupt:
  case errc::gap: return grpc::StatusCode::DATA_LOSS;
  case errc::not_found: return grpc::StatusCode::NOT_FOUND;
  case errc::position_not_reached: return grpc::StatusCode::DEADLINE_EXCEEDED;
  case errc::in_use:
  case errc::internal: break;
  }
  return grpc::StatusCode::INTERNAL;
}

std::string code_and(errc code, const std::string& text) {
  const std::string name = to_string(code);
  if (text.empty())
    return name;
  return name + ": " + (code == errc::invalid_argument ? text : hide_secrets(text));
}

grpc::Status status_of_unknown(const std::vector<event_result>& results, size_t first) {
  auto count = [&](outcome status) {
    return std::to_string(std::count_if(results.begin(), results.end(),
                                        [=](const event_result& x) { return x.status == status; }));
  };
  const auto& x = results[first];
  return {grpc::StatusCode::UNAVAILABLE,
          "event " + std::to_string(first) + " and " + count(outcome::unknown)
              + " in all may or may not be stored (" + code_and(x.code, x.reason) + "); "
              + count(outcome::accepted) + " were accepted, " + count(outcome::rejected)
              + " rejected; send the request again with the same event_ids"};
}

} // namespace

grpc::Status status_of(errc code, const std::string& text) {
  if (code == errc::none)
    return grpc::Status::OK;
  return {grpc_code_of(code), code_and(code, text)};
}

grpc::Status status_of(model::access_denial why, model::access_need need) {
  using model::access_denial;
  const auto text = text_of(why, need);
  switch (why) {
  case access_denial::none: return grpc::Status::OK;
  case access_denial::not_known_yet: return {grpc::StatusCode::UNAVAILABLE, text};
  case access_denial::role:
  case access_denial::site: return {grpc::StatusCode::PERMISSION_DENIED, text};
  case access_denial::rate:
    return {grpc::StatusCode::RESOURCE_EXHAUSTED, text + "; nothing was stored"};
  default: return {grpc::StatusCode::UNAUTHENTICATED, text};
  }
}

grpc::Status status_of(const model::refusal& bad) {
  return {grpc::StatusCode::INVALID_ARGUMENT, bad.reason};
}

grpc::Status status_of(const query_answer& answer) {
  if (answer.code == errc::position_not_reached)
    return status_of(answer.code, answer.reason + " (reached " + to_string(answer.reached) + ")");
  return status_of(answer.code, answer.reason);
}

grpc::Status status_of(const std::vector<event_result>& results) {
  const event_result* refused = nullptr;
  bool any_accepted = false;
  for (size_t i = 0; i < results.size(); ++i) {
    const auto& x = results[i];
    if (x.status == outcome::unknown)
      return status_of_unknown(results, i);
    any_accepted = any_accepted || x.status == outcome::accepted;
    if (x.status == outcome::rejected && is_retryable(x.code) && !refused)
      refused = &x;
  }
  if (refused && !any_accepted)
    return status_of(refused->code, refused->reason);
  return grpc::Status::OK;
}

} // namespace footfall::rpc
