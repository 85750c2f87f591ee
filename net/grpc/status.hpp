#pragma once

#include <string>

#include <grpcpp/support/status.h>

#include "actors/model/access_gate.hpp"
#include "actors/model/validate.hpp"
#include "proto/query.hpp"

namespace footfall::rpc {

/// The one place where our errors become gRPC's. `text` says what was tried and
/// what to do.
grpc::Status status_of(errc code, const std::string& text);

/// OK, or UNAUTHENTICATED, PERMISSION_DENIED, RESOURCE_EXHAUSTED (nothing was stored) or
/// UNAVAILABLE.
grpc::Status status_of(model::access_denial why, model::access_need need);

/// INVALID_ARGUMENT, with the field and the remedy.
grpc::Status status_of(const model::refusal& bad);

/// OK, or why the query has no answer; names the position that was reached.
grpc::Status status_of(const query_answer& answer);

/// What became of a whole batch: OK when every event has a final result that the
/// client should read; UNAVAILABLE when any may or may not be stored; else why
/// nothing at all was accepted although the events may be fine.
grpc::Status status_of(const std::vector<event_result>& results);

} // namespace footfall::rpc
