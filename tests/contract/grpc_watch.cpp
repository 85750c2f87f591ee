#include <catch2/catch.hpp>

#include "tests/contract/grpc_rig.hpp"

using namespace footfall;
using namespace footfall::test;
using Catch::Matchers::Contains;
using grpc::StatusCode;

namespace {

/// An open WatchPage of "/p".
struct open_watch {
  explicit open_watch(grpc_rig& rig, const std::string& page = "/p") {
    v1::PageRequest request;
    request.set_page_url(page);
    reader = rig.stats->WatchPage(&context, request);
  }
  patient_context context;
  v1::PageResponse page;
  std::unique_ptr<grpc::ClientReader<v1::PageResponse>> reader;
};

} // namespace

TEST_CASE("gRPC watches a page", "[contract][grpc]") {
  grpc_rig rig;
  open_watch watch{rig};
  REQUIRE(watch.reader->Read(&watch.page));
  CHECK(watch.page.page_url() == "/p");
  CHECK(watch.page.clicks() == 0);
  for (uint64_t clicks : {1, 2, 3}) {
    REQUIRE(eventually([&] { return rig.handler.open_watches() == 1; }));
    rig.handler.tell_watchers(clicks);
    REQUIRE(watch.reader->Read(&watch.page));
    CHECK(watch.page.clicks() == clicks);
    CHECK(watch.page.freshness().position() == "0:41,3:7");
  }
}

TEST_CASE("gRPC skips what a slow watcher cannot take", "[contract][grpc]") {
  grpc_rig rig;
  rig.handler.answer.minutes.assign(60, 1'000'000'000'000);
  open_watch watch{rig};
  REQUIRE(eventually([&] { return rig.handler.open_watches() == 1; }));
  constexpr uint64_t last = 20'000;
  for (uint64_t clicks = 1; clicks <= last; ++clicks)
    rig.handler.tell_watchers(clicks);
  uint64_t seen = 0;
  uint64_t before = 0;
  while (before < last) {
    REQUIRE(watch.reader->Read(&watch.page));
    CHECK(watch.page.clicks() >= before);
    before = watch.page.clicks();
    ++seen;
  }
  CHECK(seen < last / 2);
}

TEST_CASE("gRPC ends a watch", "[contract][grpc]") {
  grpc_rig rig;
  open_watch watch{rig};
  REQUIRE(watch.reader->Read(&watch.page));
  REQUIRE(eventually([&] { return rig.handler.open_watches() == 1; }));
  SECTION("when the client cancels") {
    watch.context.TryCancel();
    CHECK(watch.reader->Finish().error_code() == StatusCode::CANCELLED);
  }
  SECTION("when it drains") {
    rig.server->drain();
    CHECK_FALSE(watch.reader->Read(&watch.page));
    auto status = watch.reader->Finish();
    CHECK(status.error_code() == StatusCode::UNAVAILABLE);
    CHECK_THAT(status.error_message(), Contains("drains"));
    open_watch late{rig};
    CHECK(late.reader->Finish().error_code() == StatusCode::UNAVAILABLE);
  }
  SECTION("when it stops") {
    rig.server->stop();
    CHECK(watch.reader->Finish().error_code() == StatusCode::UNAVAILABLE);
  }
  SECTION("when the handler does") {
    rig.handler.tell_watchers(0, errc::store_unavailable);
    auto status = watch.reader->Finish();
    CHECK(status.error_code() == StatusCode::UNAVAILABLE);
    CHECK_THAT(status.error_message(), Contains("told so"));
  }
  CHECK(eventually([&] { return rig.handler.open_watches() == 0; }));
  // Late news must not harm.
  rig.handler.tell_watchers(5);
}

TEST_CASE("gRPC ends a watch whose client does not read", "[contract][grpc]") {
  grpc_rig rig;
  rig.handler.answer.rows.assign(1, {std::string(60'000, 'x'), 1, 0});
  open_watch watch{rig};
  REQUIRE(eventually([&] { return rig.handler.open_watches() == 1; }));
  for (uint64_t clicks = 1; clicks <= 1000; ++clicks)
    rig.handler.tell_watchers(clicks);
  rig.server->stop();
  CHECK(rig.handler.open_watches() == 0);
}

TEST_CASE("gRPC refuses a watch", "[contract][grpc]") {
  grpc_config config;
  config.watches_max = 1;
  grpc_rig rig{config};
  v1::PageRequest request;
  std::string text;
  auto wanted = StatusCode::INVALID_ARGUMENT;
  std::unique_ptr<open_watch> first;
  SECTION("without a page") {
    text = "page_url";
  }
  SECTION("after a position") {
    request.set_page_url("/p");
    request.set_after("0:1");
    text = "after";
  }
  SECTION("beyond the limit") {
    first = std::make_unique<open_watch>(rig);
    REQUIRE(first->reader->Read(&first->page));
    request.set_page_url("/p");
    text = "watches_max = 1";
    wanted = StatusCode::RESOURCE_EXHAUSTED;
  }
  patient_context context;
  auto reader = rig.stats->WatchPage(&context, request);
  auto status = reader->Finish();
  CHECK(status.error_code() == wanted);
  CHECK_THAT(status.error_message(), Contains(text));
}

TEST_CASE("gRPC survives watchers that come and go", "[contract][grpc]") {
  grpc_config config;
  config.watches_max = 20;
  grpc_rig rig{config};
  for (int round = 0; round < 20; ++round) {
    std::vector<std::unique_ptr<open_watch>> watches;
    for (int i = 0; i < 20; ++i)
      watches.push_back(std::make_unique<open_watch>(rig));
    rig.handler.tell_watchers(static_cast<uint64_t>(round));
    for (auto& x : watches)
      x->context.TryCancel();
    rig.handler.tell_watchers(static_cast<uint64_t>(round));
    for (auto& x : watches)
      x->reader->Finish();
    CHECK(eventually([&] { return rig.handler.open_watches() == 0; }));
  }
  CHECK(eventually([&] {
    open_watch last{rig};
    return last.reader->Read(&last.page);
  }));
}
