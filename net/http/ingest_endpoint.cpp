#include <algorithm>

#include "actors/model/time_text.hpp"
#include "actors/model/validate.hpp"
#include "net/http/applied_list.hpp"
#include "net/http/exchange.hpp"
#include "net/http/json_text.hpp"
#include "net/http/key_check.hpp"
#include "net/http/unpack.hpp"
#include "proto/seeded_bug.hpp"

namespace footfall::http {

namespace {

enum ingest_kind { one_event = 1, many_events = 2 };

/// What became of an event, for the members of a problem.
std::string outcome_member(const event_result& x) {
  std::string out = ",\"outcome\":\"";
  out += to_text(x.status);
  out += '"';
  if (!x.event_id.empty()) {
    append_key(out, "event_id");
    append_json_safe(out, x.event_id);
  }
  return out;
}

/// The problem of an event that was not accepted.
problem problem_of_result(const event_result& x) {
  auto out = problem_of(x.code == errc::none ? errc::internal : x.code, x.reason);
  if (x.status == outcome::unknown) {
    out.status = 503;
    out.retry = true;
  }
  if (x.retry_after_s != 0)
    out.retry_after_s = x.retry_after_s;
  return out;
}

std::string server_time(int64_t at_us) {
  model::time_parts parts;
  parts.at_us = at_us;
  auto micros = at_us % 1'000'000;
  parts.nanos = static_cast<int32_t>((micros < 0 ? micros + 1'000'000 : micros) * 1000);
  return model::go_time_text(parts);
}

/// The reference's echo of an event, but its first and its last field, which the
/// server may have to fill in.
void render_echo(const click_event& event, std::string& out) {
  out += ",\"user_id\":";
  append_json_string(out, event.user_id);
  out += ",\"event_type\":";
  append_json_string(out, event.event_type);
  out += ",\"page_url\":";
  append_json_string(out, event.page_url);
  out += ",\"time_stamp\":\"";
}

/// The answers of a batch, in request order.
struct batch_answer {
  size_t accepted = 0;
  size_t rejected = 0;
  size_t unknown = 0;
  const event_result* worst = nullptr; ///< Why the whole is no success.
  std::string results;
  std::vector<position> positions; ///< The last one of each partition.

  void count(const event_result& x, std::string_view warning = {}) {
    if (!results.empty())
      results += ',';
    results += '{';
    append_result(results, x, warning);
    results += '}';
    switch (x.status) {
    case outcome::accepted: ++accepted; return note(x.pos);
    case outcome::rejected: ++rejected; break;
    case outcome::unknown: ++unknown; break;
    }
    // Of those to send again, the one that is to wait longest.
    const auto rank = [](const event_result& y) {
      return y.status == outcome::unknown ? std::pair{2, 0u}
                                          : std::pair{int{is_retryable(y.code)}, y.retry_after_s};
    };
    if (!worst || rank(x) > rank(*worst))
      worst = &x;
  }

  void note(const position& pos) {
    auto same = [&](const position& x) { return x.partition == pos.partition; };
    auto at = std::find_if(positions.begin(), positions.end(), same);
    if (at == positions.end())
      positions.push_back(pos);
    else
      at->offset = std::max(at->offset, pos.offset);
  }

  std::string members() const {
    std::string out = "\"accepted\":";
    append_number(out, accepted);
    out += ",\"rejected\":";
    append_number(out, rejected);
    if (unknown > 0) {
      out += ",\"unknown\":";
      append_number(out, unknown);
    }
    out += ",\"results\":[";
    out += results;
    out += ']';
    return out;
  }
};

class ingest_endpoint final : public endpoint {
public:
  explicit ingest_endpoint(request_handler& handler) : handler_(handler) {}

  void start(exchange& x) override {
    const auto path = x.in->path();
    if (path == applied_path)
      return answer_applied(x, handler_);
    const bool one = path == "/ingest";
    if (!one && path != "/v1/events")
      return x.refuse(not_found("events go to POST /ingest or POST /v1/events; GET "
                                "/v1/applied tells which of them were new"));
    if (x.in->verb != method::post)
      return x.refuse(wrong_method("POST"));
    if (x.in->packed_with == coding::other)
      return x.refuse(unknown_packing());
    if (auto bad = params_.parse(x.in->query()); !bad.empty())
      return x.refuse(invalid(std::move(bad)));
    if (auto bad = one ? std::string{} : params_.check_names({"site"}); !bad.empty())
      return x.refuse(invalid(std::move(bad)));
    const auto* site = params_.find("site");
    if (site)
      if (auto bad = model::validate_site_id(*site))
        return x.refuse(invalid(std::move(bad.reason)));
    if (x.in->packed_with != coding::none && !unpack_body(x))
      return;
    one ? start_one(x, site) : start_many(x, site);
  }

  void finish(exchange& x, completion_value value) override {
    auto* reply = std::get_if<ingest_reply>(&value);
    if (!reply)
      return x.refuse(problem_of(errc::internal, "the answer was of another kind"));
    if (x.pending.kind == one_event)
      finish_one(x, *reply);
    else
      finish_many(x, *reply);
  }

  model::access_need needs(const request&) const override { return model::access_need::ingest; }

  bool refuses_head(const request& x) const override {
    if (x.path() == applied_path)
      return (x.verb != method::get && x.verb != method::head) || x.packed_with != coding::none;
    return x.verb != method::post || (x.path() != "/ingest" && x.path() != "/v1/events")
           || x.packed_with == coding::other;
  }

private:
  static problem unknown_packing() {
    problem out{415, "unsupported_encoding",
                "the Content-Encoding is unknown; send the body as it is, or packed once with gzip "
                "or zstd"};
    out.headers = "Accept-Encoding: gzip, zstd\r\n";
    return out;
  }

  /// False: the request was refused.
  bool unpack_body(exchange& x) {
    switch (unpack(x.in->packed_with, x.in->body, limits::body_bytes, unpacked_)) {
    case unpack_result::done: std::swap(x.in->body, unpacked_); return true;
    case unpack_result::too_large:
      x.frame.close = true; // As after any other body that is too large.
      x.refuse({413, "body_too_large",
                "the body has more than " + std::to_string(limits::body_bytes)
                    + " bytes when it is unpacked; send it in parts"});
      return false;
    case unpack_result::damaged: break;
    }
    x.refuse({400, "damaged_encoding",
              "the body is not what its Content-Encoding says, or not whole; pack it again"});
    return false;
  }

  void start_one(exchange& x, const std::string* site) {
    auto parsed = parser_.parse_event(x.in->body);
    if (!parsed.reason.empty()) {
      add(x.counters->events_rejected);
      auto bad = invalid(std::move(parsed.reason));
      if (parsed.syntax)
        bad.name = "invalid_json";
      return x.refuse(bad);
    }
    if (site)
      parsed.event.site_id = *site;
    if (!keeps_to_its_site(x, parsed.event.site_id) || !charge(x, 1))
      return;
    x.pending.kind = one_event;
    x.pending.time_text = std::move(parsed.time_text);
    x.pending.text = std::move(parsed.warning);
    // The echo repeats the event; one that validate() will refuse is not echoed.
    render_echo(parsed.event, x.pending.echo);
    std::vector<click_event> events;
    events.push_back(std::move(parsed.event));
    handler_.ingest(std::move(events), x.done, x.trace);
  }

  void finish_one(exchange& x, const ingest_reply& reply) {
    if (reply.results.size() != 1)
      return x.refuse(problem_of(errc::internal, "the event has no result"));
    const auto& result = reply.results.front();
    if (result.status != outcome::accepted) {
      auto bad = problem_of_result(result);
      bad.members = outcome_member(result);
      return x.refuse(bad);
    }
    body_.assign("{\"event_id\":");
    append_json_string(body_, result.event_id);
    body_ += x.pending.echo;
    body_ += x.pending.time_text.empty() ? server_time(result.at_us) : x.pending.time_text;
    body_ += "\"}\n";
    headers_.assign("Footfall-Position: ");
    append_number(headers_, result.pos.partition);
    headers_ += ':';
    append_number(headers_, static_cast<uint64_t>(result.pos.offset));
    headers_ += "\r\n";
    if (!x.pending.text.empty())
      headers_ += "Footfall-Warning: " + x.pending.text + "\r\n";
    append_lag(reply);
    x.answer(200, json_type, headers_, body_);
  }

  void start_many(exchange& x, const std::string* site) {
    if (auto bad = parser_.parse_batch(x.in->body, limits::batch_events, parsed_); !bad.empty()) {
      auto why = invalid(std::move(bad));
      why.name = "invalid_batch";
      return x.refuse(why);
    }
    if (!charge(x, parsed_.size()))
      return;
    x.pending.kind = many_events;
    std::vector<click_event> events;
    events.reserve(parsed_.size());
    x.pending.refused.resize(parsed_.size());
    for (size_t i = 0; i < parsed_.size(); ++i) {
      auto& parsed = parsed_[i];
      if (parsed.reason.empty()) {
        if (site)
          parsed.event.site_id = *site;
        if (!keeps_to_its_site(x, parsed.event.site_id))
          return;
        events.push_back(std::move(parsed.event));
        x.pending.refused[i].reason = std::move(parsed.warning);
        continue;
      }
      auto& result = x.pending.refused[i];
      result.status = outcome::rejected;
      result.code = errc::invalid_argument;
      result.event_id = std::move(parsed.event.event_id);
      result.reason = std::move(parsed.reason);
    }
    parsed_.clear();
    add(x.counters->events_rejected, x.pending.refused.size() - events.size());
    if (events.empty())
      return finish_many(x, {});
    handler_.ingest(std::move(events), x.done, x.trace);
  }

  void finish_many(exchange& x, const ingest_reply& reply) {
    const event_result lost{outcome::unknown,
                            errc::internal,
                            "",
                            unset_time,
                            {},
                            "the event has no result; send it again with the same event_id"};
    batch_answer all;
    size_t next = 0;
    for (const auto& refused : x.pending.refused) {
      if (refused.code != errc::none)
        all.count(refused);
      else
        all.count(next < reply.results.size() ? reply.results[next++] : lost, refused.reason);
    }
    if ((all.unknown == 0 && all.accepted > 0) || seeded_bug("batch-200")) {
      headers_ = "Footfall-Position: " + to_string(all.positions) + "\r\n";
      append_lag(reply);
      return x.answer(200, json_type, headers_, '{' + all.members() + "}\n");
    }
    auto bad = problem_of_result(*all.worst);
    if (all.worst->status == outcome::rejected && !bad.retry) {
      bad.status = 422;
      bad.name = "all_events_refused";
      bad.detail = "every event was refused; results has the reason of each";
      bad.field.clear();
    }
    bad.members = ',' + all.members();
    x.refuse(bad);
  }

  /// For who sends much: whole seconds, and nothing while it is less than one.
  void append_lag(const ingest_reply& reply) {
    if (reply.lag_us < 1'000'000)
      return;
    headers_ += "Footfall-Lag: ";
    append_number(headers_, static_cast<uint64_t>(reply.lag_us / 1'000'000));
    headers_ += "\r\n";
  }

  request_handler& handler_;
  model::event_json_parser parser_;
  query_params params_;
  std::string unpacked_;
  std::vector<model::parsed_event> parsed_;
  std::string body_;
  std::string headers_;
};

} // namespace

std::unique_ptr<endpoint> make_ingest_endpoint(request_handler& handler) {
  return std::make_unique<ingest_endpoint>(handler);
}

} // namespace footfall::http
