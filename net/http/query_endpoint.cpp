#include "actors/model/query_rules.hpp"
#include "actors/model/time_text.hpp"
#include "net/http/exchange.hpp"
#include "net/http/json_text.hpp"

namespace footfall::http {

namespace {

constexpr std::string_view paths =
    "queries go to GET /analytics/events and GET /v1/stats/{count,page,top-pages,series,users}";

/// The compatible endpoint answers in the reference's form; the rest is our own.
enum query_form { compatible = 1, versioned = 2 };

struct route {
  std::string_view path;
  query_kind kind;
  std::initializer_list<std::string_view> names;
};

const route routes[] = {
    {"/v1/stats/count", query_kind::count, {"site", "user_id", "page_url"}},
    {"/v1/stats/page", query_kind::page, {"site", "page_url"}},
    {"/v1/stats/top-pages", query_kind::top_pages, {"site", "limit", "from", "to"}},
    {"/v1/stats/series", query_kind::series, {"site", "page_url", "step", "from", "to"}},
    {"/v1/stats/users", query_kind::users, {"site", "page_url", "limit"}},
};

const route* find_route(std::string_view path) {
  for (const auto& x : routes)
    if (x.path == path)
      return &x;
  return nullptr;
}

const char* step_text(series_step step) noexcept {
  switch (step) {
  case series_step::minute: return "minute";
  case series_step::hour: return "hour";
  case series_step::day: return "day";
  }
  return "minute";
}

std::string read_step(const query_params& params, series_step& out) {
  const auto* text = params.find("step");
  if (!text)
    return {};
  for (auto step : {series_step::minute, series_step::hour, series_step::day})
    if (*text == step_text(step)) {
      out = step;
      return {};
    }
  return "step is unknown; give minute, hour or day";
}

std::string read_time(const query_params& params, std::string_view name, int64_t& out) {
  const auto* text = params.find(name);
  if (!text)
    return {};
  model::time_parts parts;
  if (!model::parse_rfc3339(*text, parts))
    return std::string(name)
           + " is not an RFC 3339 time; write it as 2025-11-05T20:00:00Z (a plus sign as %2B)";
  out = parts.at_us;
  return {};
}

void copy(const query_params& params, std::string_view name, std::string& out) {
  if (const auto* text = params.find(name))
    out = *text;
}

/// Fills the question in from the parameters of our own API.
std::string read_params(const query_params& params, query_ask& ask) {
  copy(params, "site", ask.site_id);
  copy(params, "page_url", ask.page_url);
  copy(params, "user_id", ask.user_id);
  if (ask.kind == query_kind::series && params.find("page_url") && ask.page_url.empty())
    return "page_url is empty; leave it out to ask for the whole site";
  if (auto bad = read_step(params, ask.step); !bad.empty())
    return bad;
  if (auto bad = read_limit(params, ask.limit); !bad.empty())
    return bad;
  if (auto bad = read_time(params, "from", ask.from_us); !bad.empty())
    return bad;
  return read_time(params, "to", ask.to_us);
}

void append_time(std::string& out, int64_t at_us) {
  out += '"';
  out += model::utc_text(at_us);
  out += '"';
}

void append_pair(std::string& out, std::string_view name, std::string_view text) {
  append_key(out, name);
  append_json_safe(out, text);
}

void append_pair(std::string& out, std::string_view name, uint64_t value) {
  append_key(out, name);
  append_number(out, value);
}

/// `[{"<name>":..., "clicks":...}]`.
void append_rows(std::string& out, const query_answer& answer, std::string_view name,
                 bool with_users) {
  out += '[';
  for (const auto& row : answer.rows) {
    if (out.back() != '[')
      out += ',';
    out += '{';
    append_pair(out, name, row.name);
    append_pair(out, "clicks", row.clicks);
    if (with_users && answer.users_known)
      append_pair(out, "users", row.users);
    else if (with_users)
      out += ",\"users\":null";
    out += '}';
  }
  out += ']';
}

void append_page(std::string& out, const query_ask& ask, const query_answer& answer) {
  append_pair(out, "page_url", ask.page_url);
  append_pair(out, "clicks", answer.clicks);
  if (answer.users_known)
    append_pair(out, "users", answer.users);
  else
    out += ",\"users\":null";
  append_key(out, "by_type");
  out += '{';
  for (const auto& row : answer.rows) {
    if (out.back() != '{')
      out += ',';
    append_json_safe(out, row.name);
    out += ':';
    append_number(out, row.clicks);
  }
  out += '}';
  append_key(out, "other_types");
  out += '{';
  append_pair(out, "clicks", answer.other_types);
  out += '}';
  append_key(out, "last_60_minutes");
  out += '[';
  for (auto n : answer.minutes) {
    if (out.back() != '[')
      out += ',';
    append_number(out, n);
  }
  out += ']';
}

void append_series(std::string& out, const query_ask& ask, const query_answer& answer) {
  if (!ask.page_url.empty())
    append_pair(out, "page_url", ask.page_url);
  append_pair(out, "step", step_text(ask.step));
  append_key(out, "from");
  append_time(out, ask.from_us);
  append_key(out, "to");
  append_time(out, ask.to_us);
  append_key(out, "points");
  out += '[';
  for (const auto& point : answer.points) {
    if (out.back() != '[')
      out += ',';
    out += "{\"at\":";
    append_time(out, point.at_us);
    append_pair(out, "clicks", point.clicks);
    out += '}';
  }
  out += ']';
}

void append_answer(std::string& out, const query_ask& ask, const query_answer& answer) {
  out += '{';
  switch (ask.kind) {
  case query_kind::count:
    append_pair(out, "user_id", ask.user_id);
    append_pair(out, "page_url", ask.page_url);
    append_pair(out, "count", answer.clicks);
    break;
  case query_kind::page: append_page(out, ask, answer); break;
  case query_kind::top_pages:
    append_key(out, "pages");
    append_rows(out, answer, "page_url", true);
    break;
  case query_kind::series: append_series(out, ask, answer); break;
  case query_kind::users:
    append_pair(out, "page_url", ask.page_url);
    append_key(out, "users");
    append_rows(out, answer, "user_id", false);
    break;
  }
  append_key(out, "more");
  out += answer.more ? "true" : "false";
  append_pair(out, "source", to_string(answer.source));
  append_key(out, "as_of");
  append_time(out, answer.as_of_us);
  append_pair(out, "position", to_string(answer.reached));
  out += "}\n";
}

class query_endpoint final : public endpoint {
public:
  query_endpoint(request_handler& handler, now_fn now) : handler_(handler), now_(std::move(now)) {}

  void start(exchange& x) override {
    const auto path = x.in->path();
    const auto* found = find_route(path);
    const bool is_compatible = path == "/analytics/events";
    if (!found && !is_compatible)
      return x.refuse(not_found(paths));
    if (x.in->verb != method::get && (is_compatible || x.in->verb != method::head))
      return x.refuse(wrong_method(is_compatible ? "GET" : "GET, HEAD"));
    if (x.in->packed_with != coding::none)
      return x.refuse({415, "unsupported_encoding",
                       "Content-Encoding is not taken here; send the body as it is"});
    query_ask ask;
    ask.kind = found ? found->kind : query_kind::count;
    x.pending.kind = found ? versioned : compatible;
    auto bad = params_.parse(x.in->query());
    if (bad.empty())
      bad = found ? read_versioned(*found, *x.in, ask) : read_compatible(*x.in, ask);
    if (bad.empty())
      bad = model::check_after(x.in->after, ask.after).reason;
    if (bad.empty() && x.in->has_after && ask.after.empty())
      bad = "after is empty; send the Footfall-Position that ingestion answered";
    if (bad.empty())
      bad = model::check_query(ask, now_()).reason;
    if (!bad.empty())
      return x.refuse(invalid(std::move(bad)));
    x.pending.ask = ask;
    handler_.query(std::move(ask), x.done);
  }

  void finish(exchange& x, completion_value value) override {
    auto* answer = std::get_if<query_answer>(&value);
    if (!answer)
      return x.refuse(problem_of(errc::internal, "the answer was of another kind"));
    if (answer->code != errc::none)
      return refuse(x, *answer);
    headers_.assign("Cache-Control: no-store\r\nFootfall-Source: ");
    headers_ += to_string(answer->source);
    headers_ += "\r\nFootfall-As-Of: ";
    headers_ += model::utc_text(answer->as_of_us);
    headers_ += "\r\n";
    if (!answer->node.empty())
      headers_ += "Footfall-Node: " + answer->node + "\r\n";
    append_position(*answer);
    const auto& ask = x.pending.ask;
    body_.clear();
    if (x.pending.kind == compatible) {
      body_ += '{';
      append_pair(body_, "count", answer->clicks);
      append_pair(body_, "page_url", ask.page_url);
      append_pair(body_, "user_id", ask.user_id);
      body_ += "}\n";
    } else {
      append_answer(body_, ask, *answer);
    }
    x.answer(200, json_type, headers_, body_);
  }

  bool refuses_head(const request& x) const override {
    if (x.path() == "/analytics/events")
      return x.verb != method::get || x.packed_with != coding::none;
    return !find_route(x.path()) || (x.verb != method::get && x.verb != method::head)
           || x.packed_with != coding::none;
  }

private:
  std::string read_versioned(const route& found, const request& in, query_ask& ask) {
    if (!in.body.empty())
      return "the request has a body; give everything in the query string";
    if (auto bad = params_.check_names(found.names); !bad.empty())
      return bad;
    return read_params(params_, ask);
  }

  /// As the reference: a JSON body; or the same two fields in the query string.
  std::string read_compatible(const request& in, query_ask& ask) {
    if (auto bad = params_.check_names({"site", "user_id", "page_url"}); !bad.empty())
      return bad;
    copy(params_, "site", ask.site_id);
    const bool in_query = params_.find("user_id") || params_.find("page_url");
    if (in.body.empty()) {
      if (!in_query)
        return "user_id and page_url are missing; give them in the query string or a JSON body";
      copy(params_, "user_id", ask.user_id);
      copy(params_, "page_url", ask.page_url);
      return {};
    }
    if (in_query)
      return "user_id and page_url stand in the query string beside a body; use one of the two";
    auto pair = parser_.parse_pair(in.body);
    ask.user_id = std::move(pair.user_id);
    ask.page_url = std::move(pair.page_url);
    return std::move(pair.reason);
  }

  void append_position(const query_answer& answer) {
    if (answer.reached.empty())
      return;
    headers_ += "Footfall-Position: ";
    headers_ += to_string(answer.reached);
    headers_ += "\r\n";
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
