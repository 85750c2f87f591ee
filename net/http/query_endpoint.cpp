#include "actors/model/query_rules.hpp"
#include "actors/model/time_text.hpp"
#include "net/http/exchange.hpp"
#include "net/http/json_text.hpp"
#include "net/http/key_check.hpp"
#include "net/http/question.hpp"

namespace footfall::http {

namespace {

/// All that the port answers.
constexpr std::string_view paths =
    "queries go to GET /analytics/events and GET /v1/stats/{active,count,page,series,summary,"
    "top-pages,users}, updates come from /v1/live, the node is at /v1/system, /v1/system/actors, "
    "/v1/system/actors/{id}, /v1/system/actors/{node}/{id}, /v1/system/audit, "
    "/v1/system/cluster, /v1/system/history and /v1/system/partitions, events may go to POST "
    "/v1/events, and who may what is at /v1/session, /v1/sites, /v1/keys, /v1/keys/{id}, "
    "/v1/users, /v1/users/{name} and "
    "/v1/users/{name}/password, and counters are at /c/{site}/{page}.json and "
    "/c/{site}/{page}.svg";

/// The compatible endpoint answers in the reference's form; the rest is our own.
enum query_form { compatible = 1, versioned = 2 };

class query_endpoint final : public endpoint {
public:
  query_endpoint(request_handler& handler, now_fn now) : handler_(handler), now_(std::move(now)) {}

  void start(exchange& x) override {
    const auto path = x.in->path();
    const bool is_compatible = path == "/analytics/events";
    if (!is_compatible && !is_question(path))
      return x.refuse(not_found(paths));
    if (x.in->verb != method::get && (is_compatible || x.in->verb != method::head))
      return x.refuse(wrong_method(is_compatible ? "GET" : "GET, HEAD"));
    if (x.in->packed_with != coding::none)
      return x.refuse({415, "unsupported_encoding",
                       "Content-Encoding is not taken here; send the body as it is"});
    x.pending.kind = is_compatible ? compatible : versioned;
    auto& asked = x.pending.asked;
    auto bad = params_.parse(x.in->query());
    if (bad.empty() && (!keeps_to_its_site(x, params_) || !charge(x, 1)))
      return;
    if (bad.empty())
      bad = is_compatible ? read_compatible(*x.in, asked) : read_versioned(path, *x.in, asked);
    if (bad.empty())
      bad = model::check_after(x.in->after, asked.ask.after).reason;
    if (bad.empty() && x.in->has_after && asked.ask.after.empty())
      bad = "after is empty; send the Footfall-Position that ingestion answered";
    if (!bad.empty())
      return x.refuse(invalid(std::move(bad)));
    asked.ask.trace = x.trace;
    handler_.query(asked.ask, x.done);
  }

  void finish(exchange& x, completion_value value) override {
    auto* answer = std::get_if<query_answer>(&value);
    if (!answer)
      return x.refuse(problem_of(errc::internal, "the answer was of another kind"));
    if (answer->code != errc::none)
      return refuse(x, *answer);
    auto& asked = x.pending.asked;
    auto& first = x.pending.first;
    if (asked.report && asked.report->before && !first) {
      // What this one has, the one about the time before has as well: it is read later.
      first = std::move(*answer);
      auto ask = asked.ask;
      ask_about(*asked.report->before, ask);
      return handler_.query(std::move(ask), x.done);
    }
    const auto* before = first ? answer : nullptr;
    const auto& told = first ? *first : *answer;
    set_headers(told);
    body_.clear();
    if (x.pending.kind == compatible)
      append_compatible(asked.ask, told);
    else
      append_answer(body_, asked, told, before);
    x.answer(200, json_type, headers_, body_);
  }

  model::access_need needs(const request& x) const override {
    const bool is_known = x.path() == "/analytics/events" || is_question(x.path());
    return is_known ? model::access_need::read : model::access_need::nothing;
  }

  bool refuses_head(const request& x) const override {
    if (x.path() == "/analytics/events")
      return x.verb != method::get || x.packed_with != coding::none;
    return !is_question(x.path()) || (x.verb != method::get && x.verb != method::head)
           || x.packed_with != coding::none;
  }

private:
  std::string read_versioned(std::string_view path, const request& in, question& out) {
    if (!in.body.empty())
      return "the request has a body; give everything in the query string";
    return read_question(path, params_, now_(), out);
  }

  /// As the reference: a JSON body; or the same two fields in the query string.
  std::string read_compatible(const request& in, question& out) {
    out = {};
    auto& ask = out.ask;
    ask.kind = query_kind::count;
    if (auto bad = params_.check_names({"site", "user_id", "page_url"}); !bad.empty())
      return bad;
    const auto* site = params_.find("site");
    const auto* user = params_.find("user_id");
    const auto* page = params_.find("page_url");
    ask.site_id = site ? *site : "";
    const bool in_query = user || page;
    if (in.body.empty()) {
      if (!in_query)
        return "user_id and page_url are missing; give them in the query string or a JSON body";
      ask.user_id = user ? *user : "";
      ask.page_url = page ? *page : "";
      return model::check_query(ask, now_()).reason;
    }
    if (in_query)
      return "user_id and page_url stand in the query string beside a body; use one of the two";
    auto pair = parser_.parse_pair(in.body);
    ask.user_id = std::move(pair.user_id);
    ask.page_url = std::move(pair.page_url);
    return pair.reason.empty() ? model::check_query(ask, now_()).reason : std::move(pair.reason);
  }

  void set_headers(const query_answer& answer) {
    headers_.assign("Cache-Control: no-store\r\nFootfall-Source: ");
    headers_ += to_string(answer.source);
    headers_ += "\r\nFootfall-As-Of: ";
    headers_ += model::utc_text(answer.as_of_us);
    headers_ += "\r\n";
    if (!answer.node.empty())
      headers_ += "Footfall-Node: " + answer.node + "\r\n";
    append_position(answer);
  }

  void append_compatible(const query_ask& ask, const query_answer& answer) {
    body_ += "{\"count\":";
    append_number(body_, answer.clicks);
    append_key(body_, "page_url");
    append_json_safe(body_, ask.page_url);
    append_key(body_, "user_id");
    append_json_safe(body_, ask.user_id);
    body_ += "}\n";
  }

  void append_position(const query_answer& answer) {
    const auto reached = to_string(answer.reached);
    if (!reached.empty())
      headers_ += "Footfall-Position: " + reached + "\r\n";
  }

  void refuse(exchange& x, const query_answer& answer) {
    auto bad = problem_of(answer.code, answer.reason);
    if (!answer.reached.empty()) {
      headers_.clear();
      append_position(answer);
      bad.headers = headers_;
      bad.members = ",\"position\":\"" + to_string(answer.reached) + '"';
    }
    x.refuse(bad);
  }

  request_handler& handler_;
  now_fn now_;
  model::event_json_parser parser_;
  query_params params_;
  std::string headers_;
  std::string body_;
};

} // namespace

std::unique_ptr<endpoint> make_query_endpoint(request_handler& handler, now_fn now) {
  return std::make_unique<query_endpoint>(handler, std::move(now));
}

} // namespace footfall::http
