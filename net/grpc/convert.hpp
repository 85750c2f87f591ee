#pragma once

#include <string>
#include <vector>

#include <analytics/analytics.pb.h>
#include <footfall/v1/ingest.pb.h>
#include <footfall/v1/stats.pb.h>

#include "actors/model/validate.hpp"
#include "actors/ports/request_handler.hpp"

namespace footfall::rpc {

namespace v1 = ::footfall::v1;

/// The events of one request, with room for what becomes of each.
struct event_batch {
  std::vector<click_event> events;   ///< To be handed on, not yet validated.
  std::vector<uint32_t> places;      ///< Place in the request of each of `events`.
  std::vector<event_result> results; ///< One for each in the request; complete after merge().
};

/// Takes the texts out of `request`. Events whose time is no time get their result
/// here, all others go to `events`.
/// @returns why the request as a whole is refused, if it is.
model::refusal to_batch(v1::PostEventsRequest& request, event_batch& out);

/// Puts the handler's results in their places. An event that the handler says
/// nothing about is unknown.
void merge(event_batch& batch, std::vector<event_result> results);

void to_message(const event_result& x, uint32_t index, v1::EventResult& out);
void to_message(const std::vector<event_result>& results, v1::PostEventsResponse& out);

/// Questions, to be checked with model::check_query.
model::refusal to_ask(const analytics::EventCountRequest& request, query_ask& out);
model::refusal to_ask(const v1::CountRequest& request, query_ask& out);
model::refusal to_ask(const v1::PageRequest& request, query_ask& out);
model::refusal to_ask(const v1::TopPagesRequest& request, query_ask& out);
model::refusal to_ask(const v1::SeriesRequest& request, query_ask& out);
model::refusal to_ask(const v1::UsersRequest& request, query_ask& out);
model::refusal to_ask(const v1::ActiveRequest& request, query_ask& out);

/// Answers without an error.
void to_message(const query_ask& ask, const query_answer& x, analytics::EventCountResponse& out);
void to_message(const query_ask& ask, const query_answer& x, v1::CountResponse& out);
void to_message(const query_ask& ask, const query_answer& x, v1::PageResponse& out);
void to_message(const query_ask& ask, const query_answer& x, v1::TopPagesResponse& out);
void to_message(const query_ask& ask, const query_answer& x, v1::SeriesResponse& out);
void to_message(const query_ask& ask, const query_answer& x, v1::UsersResponse& out);
void to_message(const query_ask& ask, const query_answer& x, v1::ActiveResponse& out);

/// RFC 3339 in UTC.
std::string time_text(int64_t at_us);

} // namespace footfall::rpc
