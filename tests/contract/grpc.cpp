#include <catch2/catch.hpp>

#include "tests/contract/grpc_rig.hpp"

using namespace footfall;
using namespace footfall::test;
using Catch::Matchers::Contains;
using grpc::StatusCode;

namespace {

template <class Stub, class Method, class Request, class Response>
grpc::Status call(Stub& stub, Method method, const Request& request, Response& response) {
  patient_context context;
  return ((*stub).*method)(&context, request, &response);
}

grpc::Status post(grpc_rig& rig, const v1::PostEventsRequest& request,
                  v1::PostEventsResponse& response) {
  return call(rig.ingest, &v1::Ingest::Stub::PostEvents, request, response);
}

event_result result_of(outcome status, errc code) {
  event_result x;
  x.status = status;
  x.code = code;
  x.reason = std::string{"because of "} + to_string(code);
  return x;
}

} // namespace

TEST_CASE("gRPC stores a batch and answers event by event", "[contract][grpc]") {
  grpc_rig rig;
  v1::PostEventsRequest request;
  request.set_site_id("shop");
  add_event(request, "a");
  auto timed = add_event(request, "b");
  timed->mutable_time_stamp()->set_seconds(1'762'374'615);
  timed->mutable_time_stamp()->set_nanos(500'000'999);
  v1::PostEventsResponse response;
  REQUIRE(post(rig, request, response).ok());
  CHECK(response.accepted() == 2);
  CHECK(response.rejected() == 0);
  REQUIRE(response.results_size() == 2);
  CHECK(response.results(0).event_id() == "a");
  CHECK(response.results(1).status() == v1::EventResult::ACCEPTED);
  CHECK(response.results(1).position() == "0:1");
  CHECK(response.results(1).index() == 1);
  auto events = rig.handler.events();
  REQUIRE(events.size() == 2);
  CHECK(events[0].site_id == "shop");
  CHECK(events[0].user_id == "ada");
  CHECK(events[0].event_type == "click");
  CHECK(events[0].page_url == "/pricing");
  CHECK(events[0].at_us == unset_time);
  CHECK(events[1].at_us == 1'762'374'615'500'000);
  CHECK(rig.counters.grpc_requests == 1);
}

TEST_CASE("gRPC refuses single events in their place", "[contract][grpc]") {
  grpc_rig rig;
  rig.handler.decide = [](const click_event& x) {
    auto wrong = x.user_id.empty();
    return result_of(wrong ? outcome::rejected : outcome::accepted,
                     wrong ? errc::invalid_argument : errc::none);
  };
  v1::PostEventsRequest request;
  add_event(request, "bad-time")->mutable_time_stamp()->set_nanos(-1);
  add_event(request, "good");
  add_event(request, "no-user")->clear_user_id();
  add_event(request, "far-time")->mutable_time_stamp()->set_seconds(253'402'300'800);
  v1::PostEventsResponse response;
  REQUIRE(post(rig, request, response).ok());
  CHECK(response.accepted() == 1);
  CHECK(response.rejected() == 3);
  REQUIRE(response.results_size() == 4);
  for (int i : {0, 2, 3})
    CHECK(response.results(i).status() == v1::EventResult::REJECTED);
  CHECK(response.results(1).status() == v1::EventResult::ACCEPTED);
  CHECK(response.results(0).event_id() == "bad-time");
  CHECK_THAT(response.results(0).reason(), Contains("time_stamp") && Contains("nanos"));
  CHECK_THAT(response.results(2).reason(), Contains("invalid_argument"));
  CHECK(rig.handler.events().size() == 2);
}

TEST_CASE("gRPC answers when every single event is refused", "[contract][grpc]") {
  grpc_rig rig;
  v1::PostEventsRequest request;
  add_event(request, "a")->mutable_time_stamp()->set_nanos(1'000'000'000);
  v1::PostEventsResponse response;
  REQUIRE(post(rig, request, response).ok());
  CHECK(response.rejected() == 1);
  CHECK(rig.handler.events().empty());
}

TEST_CASE("gRPC refuses a batch as a whole", "[contract][grpc]") {
  grpc_rig rig;
  v1::PostEventsRequest request;
  v1::PostEventsResponse response;
  std::string field;
  auto expected = StatusCode::INVALID_ARGUMENT;
  SECTION("without events") {
    field = "events is empty";
  }
  SECTION("with too many") {
    for (int i = 0; i < 1001; ++i)
      add_event(request, std::to_string(i));
    field = "at most 1000";
  }
  SECTION("of no possible site") {
    add_event(request, "a");
    request.set_site_id("no/site");
    field = "site_id";
  }
  SECTION("over 1 MiB") {
    add_event(request, "a")->set_page_url(std::string(1 << 20, 'x'));
    expected = StatusCode::RESOURCE_EXHAUSTED;
  }
  auto status = post(rig, request, response);
  CHECK(status.error_code() == expected);
  CHECK_THAT(status.error_message(), Contains(field));
  CHECK(rig.handler.events().empty());
  v1::PostEventsRequest fine;
  add_event(fine, "fine");
  CHECK(post(rig, fine, response).ok());
}

TEST_CASE("gRPC takes the largest batch", "[contract][grpc]") {
  grpc_rig rig;
  v1::PostEventsRequest request;
  for (int i = 0; i < 1000; ++i)
    add_event(request, std::to_string(i))->set_page_url(std::string(900, 'x'));
  v1::PostEventsResponse response;
  REQUIRE(post(rig, request, response).ok());
  CHECK(response.accepted() == 1000);
}

TEST_CASE("gRPC says what became of events that were not stored", "[contract][grpc]") {
  struct row {
    outcome status;
    errc code;
    StatusCode wanted;
  };
  auto [status, code, wanted] =
      GENERATE(row{outcome::rejected, errc::overloaded, StatusCode::RESOURCE_EXHAUSTED},
               row{outcome::rejected, errc::disk_full, StatusCode::RESOURCE_EXHAUSTED},
               row{outcome::rejected, errc::shutting_down, StatusCode::UNAVAILABLE},
               row{outcome::rejected, errc::partition_stopped, StatusCode::UNAVAILABLE},
               row{outcome::rejected, errc::log_unavailable, StatusCode::UNAVAILABLE},
               row{outcome::rejected, errc::invalid_argument, StatusCode::OK},
               row{outcome::unknown, errc::timeout, StatusCode::UNAVAILABLE},
               row{outcome::unknown, errc::log_unavailable, StatusCode::UNAVAILABLE});
  grpc_rig rig;
  rig.handler.decide = [&](const click_event&) { return result_of(status, code); };
  v1::PostEventsRequest request;
  add_event(request, "a");
  add_event(request, "b");
  v1::PostEventsResponse response;
  auto got = post(rig, request, response);
  CHECK(got.error_code() == wanted);
  if (wanted != StatusCode::OK)
    CHECK_THAT(got.error_message(), Contains(to_string(code)));
}

TEST_CASE("gRPC names the first event that may be stored", "[contract][grpc]") {
  grpc_rig rig;
  rig.handler.decide = [&](const click_event& x) {
    return x.event_id == "a" ? result_of(outcome::accepted, errc::none)
                             : result_of(outcome::unknown, errc::timeout);
  };
  v1::PostEventsRequest request;
  add_event(request, "a");
  add_event(request, "b");
  add_event(request, "c");
  v1::PostEventsResponse response;
  auto status = post(rig, request, response);
  CHECK(status.error_code() == StatusCode::UNAVAILABLE);
  CHECK_THAT(status.error_message(), Contains("event 1 and 2 in all") && Contains("1 were accepted")
                                         && Contains("same event_ids"));
}

TEST_CASE("gRPC answers the reference's question", "[contract][grpc]") {
  grpc_rig rig;
  rig.handler.answer.clicks = 364;
  analytics::EventCountRequest request;
  request.set_user_id("ada");
  request.set_page_url("/pricing");
  analytics::EventCountResponse response;
  patient_context context;
  context.AddMetadata("footfall-after", "0:41");
  REQUIRE(rig.analytics_stub->GetEventCount(&context, request, &response).ok());
  CHECK(response.count() == 364);
  CHECK(response.user_id() == "ada");
  CHECK(response.page_url() == "/pricing");
  const auto& trailing = context.GetServerTrailingMetadata();
  CHECK(trailing.find("footfall-source")->second == "actor");
  CHECK(trailing.find("footfall-as-of")->second == "2025-11-05T20:30:15.500Z");
  CHECK(trailing.find("footfall-position")->second == "0:41,3:7");
  auto ask = rig.handler.last_ask();
  CHECK(ask.kind == query_kind::count);
  CHECK(ask.site_id == "default");
  CHECK(ask.after == std::vector<position>{{0, 41}});
}

TEST_CASE("gRPC answers counts, pages and tops", "[contract][grpc]") {
  grpc_rig rig;
  auto& answer = rig.handler.answer;
  answer.clicks = 9;
  answer.users = 4;
  answer.rows = {{"x", 7, 3}, {"y", 2, 1}};
  answer.minutes.assign(60, 1);
  answer.more = true;
  v1::CountResponse count;
  v1::CountRequest count_request;
  count_request.set_user_id("ada");
  count_request.set_page_url("/p");
  count_request.set_after("3:7");
  REQUIRE(call(rig.stats, &v1::Stats::Stub::GetCount, count_request, count).ok());
  CHECK(count.count() == 9);
  CHECK(count.freshness().source() == "actor");
  CHECK(count.freshness().as_of().seconds() == 1'762'374'615);
  CHECK(count.freshness().position() == "0:41,3:7");
  CHECK(rig.handler.last_ask().after == std::vector<position>{{3, 7}});

  v1::PageRequest page_request;
  page_request.set_page_url("/p");
  v1::PageResponse page;
  REQUIRE(call(rig.stats, &v1::Stats::Stub::GetPage, page_request, page).ok());
  CHECK(page.clicks() == 9);
  CHECK(page.users() == 4);
  CHECK(page.by_type().at("x") == 7);
  CHECK(page.last_60_minutes_size() == 60);

  v1::TopPagesRequest top_request;
  v1::TopPagesResponse top;
  REQUIRE(call(rig.stats, &v1::Stats::Stub::GetTopPages, top_request, top).ok());
  CHECK(rig.handler.last_ask().limit == 10);
  REQUIRE(top.pages_size() == 2);
  CHECK(top.pages(0).page_url() == "x");
  CHECK(top.pages(0).users() == 3);
  CHECK(top.more());
  answer.users_known = false;
  REQUIRE(call(rig.stats, &v1::Stats::Stub::GetTopPages, top_request, top).ok());
  CHECK_FALSE(top.pages(0).has_users());
}

TEST_CASE("gRPC answers series and users", "[contract][grpc]") {
  grpc_rig rig;
  auto& answer = rig.handler.answer;
  answer.rows = {{"x", 7, 3}, {"y", 2, 1}};
  answer.points = {{1'762'374'600'000'000, 5}};
  v1::SeriesRequest series_request;
  series_request.set_step(v1::SeriesRequest::HOUR);
  v1::SeriesResponse series;
  REQUIRE(call(rig.stats, &v1::Stats::Stub::GetSeries, series_request, series).ok());
  auto ask = rig.handler.last_ask();
  CHECK(ask.step == series_step::hour);
  CHECK(ask.to_us - ask.from_us == 24 * 3'600'000'000);
  CHECK(series.step() == v1::SeriesRequest::HOUR);
  REQUIRE(series.points_size() == 1);
  CHECK(series.points(0).at().seconds() == 1'762'374'600);

  v1::UsersRequest users_request;
  users_request.set_page_url("/p");
  users_request.set_limit(1000);
  v1::UsersResponse users;
  REQUIRE(call(rig.stats, &v1::Stats::Stub::GetUsers, users_request, users).ok());
  CHECK(rig.handler.last_ask().limit == 1000);
  REQUIRE(users.users_size() == 2);
  CHECK(users.users(1).user_id() == "y");

  rig.handler.answer.since_us = 1'700'000'000'000'000;
  v1::ActiveRequest active_request;
  active_request.set_limit(7);
  v1::ActiveResponse active;
  REQUIRE(call(rig.stats, &v1::Stats::Stub::GetActive, active_request, active).ok());
  CHECK(rig.handler.last_ask().kind == query_kind::active);
  CHECK(rig.handler.last_ask().limit == 7);
  CHECK(active.window_seconds() == 300);
  CHECK(active.since().seconds() == 1'700'000'000);
  REQUIRE(active.pages_size() == 2);
  CHECK(active.pages(1).page_url() == "y");
}

TEST_CASE("gRPC turns the handler's errors into codes", "[contract][grpc]") {
  struct row {
    errc code;
    StatusCode wanted;
  };
  auto [code, wanted] = GENERATE(row{errc::invalid_argument, StatusCode::INVALID_ARGUMENT},
                                 row{errc::overloaded, StatusCode::RESOURCE_EXHAUSTED},
                                 row{errc::timeout, StatusCode::UNAVAILABLE},
                                 row{errc::store_unavailable, StatusCode::UNAVAILABLE},
                                 row{errc::shutting_down, StatusCode::UNAVAILABLE},
                                 row{errc::position_not_reached, StatusCode::DEADLINE_EXCEEDED},
                                 row{errc::internal, StatusCode::INTERNAL});
  grpc_rig rig;
  rig.handler.answer.code = code;
  rig.handler.answer.reason = "told so";
  v1::PageRequest request;
  request.set_page_url("/p");
  v1::PageResponse response;
  auto status = call(rig.stats, &v1::Stats::Stub::GetPage, request, response);
  CHECK(status.error_code() == wanted);
  CHECK_THAT(status.error_message(), Contains(to_string(code)) && Contains("told so"));
  if (code == errc::position_not_reached)
    CHECK_THAT(status.error_message(), Contains("0:41,3:7"));
}

TEST_CASE("gRPC refuses questions that have no answer", "[contract][grpc]") {
  grpc_rig rig;
  v1::SeriesResponse response;
  v1::SeriesRequest request;
  std::string field;
  SECTION("a step of the future") {
    request.set_step(static_cast<v1::SeriesRequest::Step>(7));
    field = "step";
  }
  SECTION("a time that is none") {
    request.mutable_from()->set_nanos(2'000'000'000);
    field = "from";
  }
  SECTION("a range without end") {
    request.mutable_from()->set_seconds(946'684'800);
    field = "10000 steps";
  }
  SECTION("a position that is none") {
    request.set_after("yesterday");
    field = "after";
  }
  auto status = call(rig.stats, &v1::Stats::Stub::GetSeries, request, response);
  CHECK(status.error_code() == StatusCode::INVALID_ARGUMENT);
  CHECK_THAT(status.error_message(), Contains(field));
}
