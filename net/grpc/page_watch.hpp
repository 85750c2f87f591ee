#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "net/grpc/call.hpp"

namespace footfall::rpc {

/// WatchPage: writes the page's state, and the newest one again whenever the last
/// write is through. A slow client sees fewer states, never old ones, and costs
/// the memory of two.
class page_watch final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                         public drainable,
                         public std::enable_shared_from_this<page_watch> {
public:
  static page_watch* start(edge_ptr edge, grpc::CallbackServerContext& context,
                           const grpc::ByteBuffer& request);

  ~page_watch() override;

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void end() override;
  void check() override;

private:
  page_watch(edge_ptr edge, grpc::CallbackServerContext& context)
      : place_(std::move(edge)), trace_("WatchPage", context) {}

  /// Why it cannot start, if it cannot.
  grpc::Status open(const grpc::ServerContextBase& context, const grpc::ByteBuffer& request);
  void update(query_answer answer);
  void write(const query_answer& answer);
  void finish(grpc::Status status, bool as_planned = false);

  call_place place_;
  bool watch_place_ = false;
  model::principal who_;
  call_trace trace_;
  query_ask ask_;
  std::shared_ptr<void> token_; // of the handler; set before gRPC knows of the call
  // Guards what follows, and is held while gRPC is told to write or finish, so that
  // nothing is asked of a finished call. Recursive: gRPC may call back at once.
  std::recursive_mutex mutex_;
  grpc::ByteBuffer bytes_;             // being written
  std::optional<query_answer> newest_; // to be written after it
  std::optional<grpc::Status> last_;   // to finish with after it
  bool writing_ = false;
  bool finished_ = false;
  bool planned_ = false; // the node ends it, in order
  std::shared_ptr<page_watch> self_;
};

} // namespace footfall::rpc
