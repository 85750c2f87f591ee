#pragma once

#include <analytics/analytics.grpc.pb.h>
#include <footfall/v1/stats.grpc.pb.h>

#include "net/grpc/edge.hpp"

namespace footfall::rpc {

using stats = ::footfall::v1::Stats;
using raw_stats = stats::WithRawCallbackMethod_GetCount<stats::WithRawCallbackMethod_GetPage<
    stats::WithRawCallbackMethod_GetTopPages<stats::WithRawCallbackMethod_GetSeries<
        stats::WithRawCallbackMethod_GetUsers<stats::WithRawCallbackMethod_GetActive<
            stats::WithRawCallbackMethod_WatchPage<stats::Service>>>>>>>;

/// footfall.v1.Stats.
class stats_service final : public raw_stats {
public:
  explicit stats_service(edge_ptr edge) : edge_(std::move(edge)) {}

  using context_ptr = grpc::CallbackServerContext*;
  using bytes = grpc::ByteBuffer;

  grpc::ServerUnaryReactor* GetCount(context_ptr, const bytes* request, bytes* response) override;
  grpc::ServerUnaryReactor* GetPage(context_ptr, const bytes* request, bytes* response) override;
  grpc::ServerUnaryReactor* GetTopPages(context_ptr, const bytes* request,
                                        bytes* response) override;
  grpc::ServerUnaryReactor* GetSeries(context_ptr, const bytes* request, bytes* response) override;
  grpc::ServerUnaryReactor* GetUsers(context_ptr, const bytes* request, bytes* response) override;
  grpc::ServerUnaryReactor* GetActive(context_ptr, const bytes* request, bytes* response) override;
  grpc::ServerWriteReactor<bytes>* WatchPage(context_ptr, const bytes* request) override;

private:
  edge_ptr edge_;
};

using raw_analytics = ::analytics::AnalyticsService::WithRawCallbackMethod_GetEventCount<
    ::analytics::AnalyticsService::Service>;

/// The reference's service. Its messages say nothing of freshness, so that is in
/// the trailing metadata: footfall-source, footfall-as-of, footfall-position; and
/// the metadata footfall-after is understood.
class analytics_service final : public raw_analytics {
public:
  explicit analytics_service(edge_ptr edge) : edge_(std::move(edge)) {}

  grpc::ServerUnaryReactor* GetEventCount(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;

private:
  edge_ptr edge_;
};

} // namespace footfall::rpc
