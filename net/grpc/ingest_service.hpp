#pragma once

#include <footfall/v1/ingest.grpc.pb.h>

#include "net/grpc/edge.hpp"

namespace footfall::rpc {

using raw_ingest = ::footfall::v1::Ingest::WithRawCallbackMethod_PostEvents<
    ::footfall::v1::Ingest::WithRawCallbackMethod_StreamEvents<::footfall::v1::Ingest::Service>>;

/// footfall.v1.Ingest.
class ingest_service final : public raw_ingest {
public:
  explicit ingest_service(edge_ptr edge) : edge_(std::move(edge)) {}

  grpc::ServerUnaryReactor* PostEvents(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;

  grpc::ServerReadReactor<grpc::ByteBuffer>* StreamEvents(grpc::CallbackServerContext* context,
                                                          grpc::ByteBuffer* response) override;

private:
  edge_ptr edge_;
};

} // namespace footfall::rpc
