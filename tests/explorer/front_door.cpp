#include "tests/explorer/front_door.hpp"

#include <utility>

#include "actors/model/time_text.hpp"

namespace footfall::explorer {

namespace {

std::string json_of(const click_event& x) {
  auto out = R"({"event_id":")" + x.event_id + R"(","user_id":")" + x.user_id
             + R"(","event_type":")" + x.event_type + R"(","page_url":")" + x.page_url + '"';
  if (x.at_us != unset_time)
    out += R"(,"time_stamp":")" + model::utc_text(x.at_us) + '"';
  return out + '}';
}

// "HTTP/1.1 200 OK"
unsigned status_of(const std::string& response) {
  return response.size() < 12 ? 0 : static_cast<unsigned>(std::stoul(response.substr(9, 3)));
}

} // namespace

void front_door::post(const std::vector<click_event>& events, posted done) {
  const auto number = next_++;
  auto& x = open_[number];
  x.done = std::move(done);
  x.in.verb = http::method::post;
  x.in.target = "/v1/events?site=" + events.front().site_id;
  x.in.body = "[";
  for (const auto& event : events)
    x.in.body += (x.in.body.size() > 1 ? "," : "") + json_of(event);
  x.in.body += ']';
  x.exchange.in = &x.in;
  x.exchange.out = &x.out;
  x.exchange.counters = &counters_;
  x.exchange.done = {queue_, {0, number}};
  endpoint_->start(x.exchange);
  if (!x.exchange.answered)
    return;
  auto answered = std::move(open_.extract(number).mapped());
  answered.done(status_of(answered.out), {}); // Refused before an actor heard of it.
}

void front_door::turn() {
  queue_->take(taken_);
  for (auto& said : taken_) {
    auto at = open_.find(said.to.generation);
    if (at == open_.end())
      continue;
    const auto reply = std::get<ingest_reply>(said.value);
    endpoint_->finish(at->second.exchange, std::move(said.value));
    auto answered = std::move(open_.extract(at).mapped());
    answered.done(status_of(answered.out), reply);
  }
  taken_.clear();
}

} // namespace footfall::explorer
