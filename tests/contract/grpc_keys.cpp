#include <catch2/catch.hpp>

#include "actors/model/access_key.hpp"
#include "tests/contract/grpc_rig.hpp"

using namespace footfall;
using namespace footfall::test;
using grpc::StatusCode;

namespace {

/// A server that asks for keys, and some that it knows.
struct locked_rig {
  locked_rig() : rig(config()) { publish(); }

  grpc_config config() {
    grpc_config out;
    out.gate = &gate;
    return out;
  }
  void publish() { gate.publish({1, {}, {shop_ingest.key, shop_read.key, all_admin.key}}); }

  template <class Request, class Response, class Stub>
  grpc::Status call(Stub& stub,
                    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, const std::string& key) {
    patient_context context;
    if (!key.empty())
      context.AddMetadata("authorization", "Bearer " + key);
    Response response;
    return (stub.*method)(&context, request, &response);
  }

  StatusCode post(const std::string& key, const std::string& site = "") {
    v1::PostEventsRequest request;
    request.set_site_id(site);
    auto& event = *request.add_events();
    event.set_user_id("ada");
    event.set_event_type("click");
    event.set_page_url("/p");
    return call(*rig.ingest, &v1::Ingest::Stub::PostEvents, request, key).error_code();
  }

  StatusCode page(const std::string& key, const std::string& site = "") {
    v1::PageRequest request;
    request.set_site_id(site);
    request.set_page_url("/p");
    return call(*rig.stats, &v1::Stats::Stub::GetPage, request, key).error_code();
  }

  model::access_gate gate;
  model::made_key shop_ingest = model::make_key(access_role::ingest, "shop", 1);
  model::made_key shop_read = model::make_key(access_role::read, "shop", 1);
  model::made_key all_admin = model::make_key(access_role::admin, "*", 1);
  model::made_key stranger = model::make_key(access_role::admin, "*", 1);
  grpc_rig rig;
};

} // namespace

TEST_CASE("gRPC asks for keys", "[contract][grpc][access]") {
  locked_rig x;
  for (const auto& key : {std::string{}, std::string{"nonsense"}, x.stranger.text}) {
    CHECK(x.post(key) == StatusCode::UNAUTHENTICATED);
    CHECK(x.page(key) == StatusCode::UNAUTHENTICATED);
  }
  CHECK(x.post(x.shop_read.text) == StatusCode::PERMISSION_DENIED);
  CHECK(x.page(x.shop_ingest.text) == StatusCode::PERMISSION_DENIED);
  CHECK(x.rig.handler.events().empty());
  CHECK(x.post(x.shop_ingest.text) == StatusCode::OK);
  CHECK(x.page(x.shop_read.text) == StatusCode::OK);
  CHECK(x.page(x.all_admin.text, "other") == StatusCode::OK);
  CHECK(x.rig.handler.last_ask().site_id == "other");
  CHECK(x.post(x.all_admin.text, "other") == StatusCode::OK);
  x.shop_ingest.key.revoked_us = 2;
  x.publish();
  CHECK(x.post(x.shop_ingest.text) == StatusCode::UNAUTHENTICATED);
}

TEST_CASE("gRPC takes the site from the key", "[contract][grpc][access]") {
  locked_rig x;
  CHECK(x.post(x.shop_ingest.text, "default") == StatusCode::PERMISSION_DENIED);
  CHECK(x.page(x.shop_read.text, "default") == StatusCode::PERMISSION_DENIED);
  CHECK(x.rig.handler.events().empty());
  CHECK(x.post(x.shop_ingest.text) == StatusCode::OK);
  REQUIRE(x.rig.handler.events().size() == 1);
  CHECK(x.rig.handler.events()[0].site_id == "shop");
  CHECK(x.page(x.shop_read.text) == StatusCode::OK);
  CHECK(x.rig.handler.last_ask().site_id == "shop");
  analytics::EventCountRequest request;
  request.set_user_id("ada");
  request.set_page_url("/p");
  CHECK(x.call(*x.rig.analytics_stub, &analytics::AnalyticsService::Stub::GetEventCount, request,
               x.shop_read.text)
            .ok());
  CHECK(x.rig.handler.last_ask().site_id == "shop");
}

TEST_CASE("gRPC keeps a key to its rate", "[contract][grpc][access]") {
  locked_rig x;
  x.shop_ingest.key.rate = 1;
  x.publish();
  for (int i = 0; i < 5; ++i)
    CHECK(x.post(x.shop_ingest.text) == StatusCode::OK);
  CHECK(x.post(x.shop_ingest.text) == StatusCode::RESOURCE_EXHAUSTED);
  CHECK(x.rig.handler.events().size() == 5);
}

TEST_CASE("gRPC streams end with their key", "[contract][grpc][access]") {
  locked_rig x;
  v1::PageRequest request;
  request.set_page_url("/p");
  patient_context context;
  context.AddMetadata("authorization", "Bearer " + x.shop_read.text);
  auto watch = x.rig.stats->WatchPage(&context, request);
  v1::PageResponse page;
  REQUIRE(watch->Read(&page));
  patient_context sending;
  sending.AddMetadata("authorization", "Bearer " + x.shop_ingest.text);
  v1::StreamEventsResponse sums;
  auto stream = x.rig.ingest->StreamEvents(&sending, &sums);
  x.shop_read.key.revoked_us = x.shop_ingest.key.revoked_us = 2;
  x.publish();
  REQUIRE(eventually([&] { return x.rig.handler.open_watches() == 1; }));
  // Nothing happens on the page, and nothing is sent.
  CHECK_FALSE(watch->Read(&page));
  CHECK(watch->Finish().error_code() == StatusCode::UNAUTHENTICATED);
  CHECK(stream->Finish().error_code() == StatusCode::UNAUTHENTICATED);
  CHECK(x.rig.handler.events().empty());
  patient_context nobody;
  auto refused = x.rig.stats->WatchPage(&nobody, request);
  CHECK(refused->Finish().error_code() == StatusCode::UNAUTHENTICATED);
}
