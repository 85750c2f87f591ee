#pragma once

#include <memory>
#include <mutex>

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "net/grpc/call.hpp"
#include "net/grpc/convert.hpp"

namespace footfall::rpc {

/// Whether the caller may append the events of a message to its site, and so many now. A site that
/// is not named becomes the caller's.
grpc::Status admit(const model::principal& who, v1::PostEventsRequest& message);

/// StreamEvents: reads a message, has it stored, reads the next. One message is
/// under way at a time, so gRPC's flow control holds a fast client back.
class event_stream final : public grpc::ServerReadReactor<grpc::ByteBuffer>,
                           public drainable,
                           public std::enable_shared_from_this<event_stream> {
public:
  static event_stream* start(edge_ptr edge, grpc::CallbackServerContext& context,
                             grpc::ByteBuffer* response);

  void OnReadDone(bool ok) override;
  void OnCancel() override { finish(cancelled()); }
  void OnDone() override;
  void end() override;
  void check() override;

private:
  event_stream(edge_ptr edge, grpc::CallbackServerContext& context, grpc::ByteBuffer* response)
      : place_(std::move(edge)), trace_("StreamEvents", context), response_(response) {}

  void take(v1::PostEventsRequest& message);
  void add_results(const event_batch& batch);
  void read_next();
  void finish(grpc::Status status, bool as_planned = false);
  std::string so_far() const;

  static constexpr int problems_max = 1000;

  call_place place_;
  model::principal who_;
  call_trace trace_; ///< Of all its events.
  grpc::ByteBuffer* response_;
  grpc::ByteBuffer bytes_;
  // Guards what follows, and is held while gRPC is told to read or finish, so that
  // nothing is asked of a finished call. Recursive: gRPC may call back at once.
  std::recursive_mutex mutex_;
  v1::StreamEventsResponse sums_;
  uint64_t taken_ = 0;   // events of the messages that were handed on
  bool storing_ = false; // a message is with the handler
  bool ending_ = false;  // finish when it comes back
  bool finished_ = false;
  std::shared_ptr<event_stream> self_;
};

} // namespace footfall::rpc
