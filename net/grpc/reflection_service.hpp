#pragma once

#include <grpc/reflection/v1/reflection.grpc.pb.h>

#include "net/grpc/edge.hpp"

namespace footfall::rpc {

/// grpc.reflection.v1, which newer clients ask first; gRPC 1.51 itself has v1alpha only.
class reflection_service final : public ::grpc::reflection::v1::ServerReflection::CallbackService {
public:
  using request = ::grpc::reflection::v1::ServerReflectionRequest;
  using response = ::grpc::reflection::v1::ServerReflectionResponse;

  explicit reflection_service(edge_ptr edge) : edge_(std::move(edge)) {}

  grpc::ServerBidiReactor<request, response>*
  ServerReflectionInfo(grpc::CallbackServerContext* context) override;

private:
  edge_ptr edge_;
};

} // namespace footfall::rpc
