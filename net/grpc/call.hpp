#pragma once

#include <atomic>
#include <memory>
#include <string>

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "net/grpc/call_trace.hpp"
#include "net/grpc/edge.hpp"
#include "net/grpc/status.hpp"

namespace footfall::rpc {

/// Reads a message. gRPC's typed methods answer UNIMPLEMENTED for what is not one,
/// and take it for the end of a stream; so ours take bytes and read them here.
template <class Message>
bool read_message(const grpc::ByteBuffer& bytes, Message& out) {
  auto copy = bytes; // of the reference, not of the bytes
  return grpc::SerializationTraits<Message>::Deserialize(&copy, &out).ok();
}

template <class Message>
grpc::Status write_message(const Message& x, grpc::ByteBuffer& out) {
  out.Clear(); // a buffer that holds something is not written to
  bool own = false;
  return grpc::SerializationTraits<Message>::Serialize(x, &out, &own);
}

template <class Message>
grpc::Status unreadable() {
  return {grpc::StatusCode::INVALID_ARGUMENT,
          "the message cannot be read as " + Message::descriptor()->full_name()
              + "; send well-formed protobuf with texts in UTF-8"};
}

grpc::Status no_place(const edge& x);

/// Looks at the key in the metadata of a call: "authorization", as in HTTP. OK: `who` asks.
grpc::Status check_key(const edge& x, const grpc::ServerContextBase& context,
                       model::access_need need, model::principal& who);
/// Takes `amount` of what the key may have in a second.
grpc::Status charge(const model::principal& who, uint64_t amount);
/// The caller's own site takes the place of one that is not named.
grpc::Status keep_to_its_site(const model::principal& who, std::string& site);
/// UNAUTHENTICATED when the key was revoked, or expired, since the call began.
grpc::Status still_holds(const edge& x, const model::principal& who);

inline grpc::Status cancelled() {
  return {grpc::StatusCode::CANCELLED, "the call was cancelled or its deadline passed"};
}

/// A call with one request and one answer. It owns itself until gRPC is done with
/// it; whoever finishes first wins, and everything later is ignored, so a handler
/// that answers late, or never, does no harm.
class unary_call final : public grpc::ServerUnaryReactor {
public:
  /// @param what it is, for logs
  static std::shared_ptr<unary_call> start(edge_ptr edge, const char* what,
                                           grpc::CallbackServerContext* context,
                                           grpc::ByteBuffer* response);

  /// True for the one that may answer; it must call finish().
  bool claim() noexcept { return !claimed_.exchange(true); }

  /// What the one that claimed the call may use until it finishes.
  grpc::CallbackServerContext& context() noexcept { return *context_; }
  const trace_context& trace() const noexcept { return trace_.of(); }
  void finish(grpc::Status status);
  template <class Message>
  void finish(const Message& answer) {
    finish(write_message(answer, *response_));
  }

  /// Claims and finishes.
  void refuse(grpc::Status status);

  void OnCancel() override { refuse(cancelled()); }
  void OnDone() override {
    place_.leave();
    self_.reset();
  }

  /// False: there was no place for it, and it is already refused.
  bool admitted() const noexcept { return static_cast<bool>(place_); }

private:
  unary_call(edge_ptr edge, const char* what, grpc::CallbackServerContext* context,
             grpc::ByteBuffer* response)
      : place_(std::move(edge)), context_(context), response_(response), trace_(what, *context) {}

  call_place place_;
  grpc::CallbackServerContext* context_;
  grpc::ByteBuffer* response_;
  call_trace trace_;
  std::atomic<bool> claimed_{false};
  std::shared_ptr<unary_call> self_;
};

} // namespace footfall::rpc
