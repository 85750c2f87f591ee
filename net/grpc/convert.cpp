#include "net/grpc/convert.hpp"

#include <utility>

#include <google/protobuf/util/time_util.h>

#include "actors/model/active_visitors.hpp"
#include "actors/model/query_rules.hpp"
#include "proto/secrets.hpp"

namespace footfall::rpc {

namespace {

using google::protobuf::Timestamp;
using google::protobuf::util::TimeUtil;

/// False when it is no time at all (protobuf's own rules: years 1 to 9999, whole
/// and positive nanoseconds). Nanoseconds are cut off.
bool to_us(const Timestamp& x, int64_t& out) noexcept {
  if (x.seconds() < TimeUtil::kTimestampMinSeconds || x.seconds() > TimeUtil::kTimestampMaxSeconds
      || x.nanos() < 0 || x.nanos() > 999'999'999)
    return false;
  out = x.seconds() * 1'000'000 + x.nanos() / 1000;
  return true;
}

void to_timestamp(int64_t at_us, Timestamp& out) {
  out = TimeUtil::MicrosecondsToTimestamp(at_us);
}

constexpr const char* no_time = " is not a time: seconds must be in years 1 to 9999 and nanos in 0 "
                                "to 999,999,999";

model::refusal to_bound(const char* field, bool given, const Timestamp& x, int64_t& out) {
  if (given && !to_us(x, out))
    return {field, std::string{field} + no_time};
  return {};
}

void to_freshness(const query_answer& x, v1::Freshness& out) {
  out.set_source(to_string(x.source));
  to_timestamp(x.as_of_us, *out.mutable_as_of());
  out.set_position(to_string(x.reached));
}

model::refusal start_ask(query_kind kind, const std::string& site_id, const std::string& after,
                         query_ask& out) {
  out.kind = kind;
  out.site_id = site_id;
  return model::check_after(after, out.after);
}

uint32_t limit_or_default(uint32_t limit) {
  return limit == 0 ? query_ask{}.limit : limit;
}

} // namespace

model::refusal to_batch(v1::PostEventsRequest& request, event_batch& out) {
  const auto count = static_cast<size_t>(request.events_size());
  if (count == 0)
    return {"events", "events is empty; send 1 to " + std::to_string(limits::batch_events)};
  if (count > limits::batch_events)
    return {"events", "events has " + std::to_string(count) + " entries; send at most "
                          + std::to_string(limits::batch_events) + " in one message"};
  if (!request.site_id().empty())
    if (auto bad = model::validate_site_id(request.site_id()))
      return bad;
  out.results.resize(count);
  out.events.reserve(count);
  out.places.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    auto& from = *request.mutable_events(static_cast<int>(i));
    click_event event;
    if (from.has_time_stamp() && !to_us(from.time_stamp(), event.at_us)) {
      auto& refused = out.results[i];
      refused.status = outcome::rejected;
      refused.code = errc::invalid_argument;
      refused.event_id = std::move(*from.mutable_event_id());
      refused.reason = "time_stamp";
      refused.reason += no_time;
      continue;
    }
    event.site_id = request.site_id();
    event.event_id = std::move(*from.mutable_event_id());
    event.user_id = std::move(*from.mutable_user_id());
    event.event_type = std::move(*from.mutable_event_type());
    event.page_url = std::move(*from.mutable_page_url());
    out.events.push_back(std::move(event));
    out.places.push_back(i);
  }
  return {};
}

void merge(event_batch& batch, std::vector<event_result> results) {
  for (size_t i = 0; i < batch.places.size(); ++i) {
    auto& place = batch.results[batch.places[i]];
    if (i < results.size()) {
      place = std::move(results[i]);
    } else {
      place.status = outcome::unknown;
      place.code = errc::internal;
      place.reason = "there was no result for it";
    }
  }
}

void to_message(const event_result& x, uint32_t index, v1::EventResult& out) {
  switch (x.status) {
  case outcome::accepted: out.set_status(v1::EventResult::ACCEPTED); break;
  case outcome::rejected: out.set_status(v1::EventResult::REJECTED); break;
  case outcome::unknown: out.set_status(v1::EventResult::UNKNOWN); break;
  }
  // What is echoed of a refused event may be anything, and a response must be UTF-8.
  if (model::is_storable_text(x.event_id))
    out.set_event_id(x.event_id);
  if (x.status == outcome::accepted)
    out.set_position(to_string(x.pos));
  else
    out.set_reason(x.code == errc::invalid_argument ? x.reason : hide_secrets(x.reason));
  out.set_index(index);
}

void to_message(const std::vector<event_result>& results, v1::PostEventsResponse& out) {
  uint32_t accepted = 0;
  uint32_t index = 0;
  out.mutable_results()->Reserve(static_cast<int>(results.size()));
  for (const auto& x : results) {
    accepted += x.status == outcome::accepted;
    to_message(x, index++, *out.add_results());
  }
  out.set_accepted(accepted);
  out.set_rejected(index - accepted);
}

model::refusal to_ask(const analytics::EventCountRequest& request, query_ask& out) {
  out.kind = query_kind::count;
  out.page_url = request.page_url();
  out.user_id = request.user_id();
  return {};
}

model::refusal to_ask(const v1::CountRequest& request, query_ask& out) {
  out.page_url = request.page_url();
  out.user_id = request.user_id();
  return start_ask(query_kind::count, request.site_id(), request.after(), out);
}

model::refusal to_ask(const v1::PageRequest& request, query_ask& out) {
  out.page_url = request.page_url();
  return start_ask(query_kind::page, request.site_id(), request.after(), out);
}

model::refusal to_ask(const v1::TopPagesRequest& request, query_ask& out) {
  out.limit = limit_or_default(request.limit());
  if (auto bad = to_bound("from", request.has_from(), request.from(), out.from_us))
    return bad;
  if (auto bad = to_bound("to", request.has_to(), request.to(), out.to_us))
    return bad;
  return start_ask(query_kind::top_pages, request.site_id(), request.after(), out);
}

model::refusal to_ask(const v1::SeriesRequest& request, query_ask& out) {
  out.page_url = request.page_url();
  switch (request.step()) {
  case v1::SeriesRequest::MINUTE: out.step = series_step::minute; break;
  case v1::SeriesRequest::HOUR: out.step = series_step::hour; break;
  case v1::SeriesRequest::DAY: out.step = series_step::day; break;
  default: return {"step", "step is unknown; give MINUTE, HOUR or DAY"};
  }
  if (auto bad = to_bound("from", request.has_from(), request.from(), out.from_us))
    return bad;
  if (auto bad = to_bound("to", request.has_to(), request.to(), out.to_us))
    return bad;
  return start_ask(query_kind::series, request.site_id(), request.after(), out);
}

model::refusal to_ask(const v1::UsersRequest& request, query_ask& out) {
  out.page_url = request.page_url();
  out.limit = limit_or_default(request.limit());
  return start_ask(query_kind::users, request.site_id(), request.after(), out);
}

model::refusal to_ask(const v1::ActiveRequest& request, query_ask& out) {
  out.page_url = request.page_url();
  out.limit = limit_or_default(request.limit());
  return start_ask(query_kind::active, request.site_id(), request.after(), out);
}

void to_message(const query_ask& ask, const query_answer& x, analytics::EventCountResponse& out) {
  out.set_count(static_cast<int64_t>(x.clicks));
  out.set_user_id(ask.user_id);
  out.set_page_url(ask.page_url);
}

void to_message(const query_ask& ask, const query_answer& x, v1::CountResponse& out) {
  out.set_page_url(ask.page_url);
  out.set_user_id(ask.user_id);
  out.set_count(x.clicks);
  to_freshness(x, *out.mutable_freshness());
}

void to_message(const query_ask& ask, const query_answer& x, v1::PageResponse& out) {
  out.set_page_url(ask.page_url);
  out.set_clicks(x.clicks);
  out.set_users(x.users);
  for (const auto& row : x.rows)
    (*out.mutable_by_type())[row.name] = row.clicks;
  out.set_other_types_clicks(x.other_types);
  out.mutable_last_60_minutes()->Add(x.minutes.begin(), x.minutes.end());
  to_freshness(x, *out.mutable_freshness());
}

void to_message(const query_ask&, const query_answer& x, v1::TopPagesResponse& out) {
  for (const auto& row : x.rows) {
    auto& page = *out.add_pages();
    page.set_page_url(row.name);
    page.set_clicks(row.clicks);
    if (x.users_known)
      page.set_users(row.users);
  }
  out.set_more(x.more);
  to_freshness(x, *out.mutable_freshness());
}

void to_message(const query_ask& ask, const query_answer& x, v1::SeriesResponse& out) {
  // The two enumerations have the same order; ours starts at 1.
  out.set_step(static_cast<v1::SeriesRequest::Step>(static_cast<int>(ask.step) - 1));
  for (const auto& point : x.points) {
    auto& to = *out.add_points();
    to_timestamp(point.at_us, *to.mutable_at());
    to.set_clicks(point.clicks);
  }
  to_freshness(x, *out.mutable_freshness());
}

void to_message(const query_ask&, const query_answer& x, v1::UsersResponse& out) {
  for (const auto& row : x.rows) {
    auto& user = *out.add_users();
    user.set_user_id(row.name);
    user.set_clicks(row.clicks);
  }
  out.set_more(x.more);
  to_freshness(x, *out.mutable_freshness());
}

void to_message(const query_ask&, const query_answer& x, v1::ActiveResponse& out) {
  out.set_window_seconds(model::active_visitors::window_s);
  if (x.since_us != 0)
    to_timestamp(x.since_us, *out.mutable_since());
  out.set_visitors(x.users);
  out.set_clicks(x.clicks);
  for (const auto& row : x.rows) {
    auto& page = *out.add_pages();
    page.set_page_url(row.name);
    page.set_visitors(row.users);
    page.set_clicks(row.clicks);
  }
  out.set_more(x.more);
  to_freshness(x, *out.mutable_freshness());
}

std::string time_text(int64_t at_us) {
  return TimeUtil::ToString(TimeUtil::MicrosecondsToTimestamp(at_us));
}

} // namespace footfall::rpc
