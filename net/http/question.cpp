#include "net/http/question.hpp"

#include <algorithm>

#include "actors/model/active_visitors.hpp"
#include "actors/model/query_rules.hpp"
#include "net/http/json_text.hpp"

namespace footfall::http {

namespace {

constexpr std::string_view summary_path = "/v1/stats/summary";

struct route {
  std::string_view path;
  query_kind kind;
  std::initializer_list<std::string_view> names;
};

const route routes[] = {
    {"/v1/stats/count", query_kind::count, {"site", "user_id", "page_url"}},
    {"/v1/stats/page", query_kind::page, {"site", "page_url"}},
    {"/v1/stats/top-pages", query_kind::top_pages, {"site", "limit", "from", "to", "range", "tz"}},
    {"/v1/stats/series",
     query_kind::series,
     {"site", "page_url", "step", "from", "to", "range", "tz", "compare"}},
    {summary_path,
     query_kind::series,
     {"site", "page_url", "from", "to", "range", "tz", "compare"}},
    {"/v1/stats/active", query_kind::active, {"site", "page_url", "limit"}},
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
  case series_step::quarter_hour: break;
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

void copy(const query_params& params, std::string_view name, std::string& out) {
  if (const auto* text = params.find(name))
    out = *text;
}

/// Fills the question in from the parameters. Which time it is about, a report reads itself.
std::string read_params(const query_params& params, bool has_report, query_ask& ask) {
  copy(params, "site", ask.site_id);
  copy(params, "page_url", ask.page_url);
  copy(params, "user_id", ask.user_id);
  const bool may_be_whole = ask.kind == query_kind::series || ask.kind == query_kind::active;
  if (may_be_whole && params.find("page_url") && ask.page_url.empty())
    return "page_url is empty; leave it out to ask for the whole site";
  if (auto bad = read_limit(params, ask.limit); !bad.empty() || has_report)
    return bad;
  if (auto bad = read_step(params, ask.step); !bad.empty())
    return bad;
  if (auto bad = read_time(params, "from", ask.from_us); !bad.empty())
    return bad;
  return read_time(params, "to", ask.to_us);
}

/// `[{"<name>":..., "clicks":...}]`.
void append_rows(std::string& out, const query_answer& answer, std::string_view name,
                 bool with_users) {
  out += '[';
  for (const auto& row : answer.rows) {
    if (out.back() != '[')
      out += ',';
    out += '{';
    append_member(out, name, row.name);
    append_member(out, "clicks", row.clicks);
    if (with_users && answer.users_known)
      append_member(out, "users", row.users);
    else if (with_users)
      out += ",\"users\":null";
    out += '}';
  }
  out += ']';
}

void append_page(std::string& out, const query_ask& ask, const query_answer& answer) {
  append_member(out, "page_url", ask.page_url);
  append_member(out, "clicks", answer.clicks);
  if (answer.users_known)
    append_member(out, "users", answer.users);
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
  append_member(out, "clicks", answer.other_types);
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
  append_member(out, "step", step_text(ask.step));
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
    append_member(out, "clicks", point.clicks);
    out += '}';
  }
  out += ']';
}

void append_active(std::string& out, const query_ask& ask, const query_answer& answer) {
  if (!ask.page_url.empty())
    append_member(out, "page_url", ask.page_url);
  append_member(out, "window_s", uint64_t{model::active_visitors::window_s});
  append_key(out, "since");
  if (answer.since_us == 0)
    out += "null";
  else
    append_time(out, answer.since_us);
  append_member(out, "visitors", answer.users);
  append_member(out, "clicks", answer.clicks);
  append_key(out, "pages");
  out += '[';
  for (const auto& row : answer.rows) {
    if (out.back() != '[')
      out += ',';
    out += '{';
    append_member(out, "page_url", row.name);
    append_member(out, "visitors", row.users);
    append_member(out, "clicks", row.clicks);
    out += '}';
  }
  out += ']';
}

} // namespace

bool is_question(std::string_view path) {
  return find_route(path) != nullptr;
}

std::string read_question(std::string_view path, const query_params& params, int64_t now_us,
                          question& out) {
  const auto* found = find_route(path);
  if (!found)
    return "there is no such question";
  if (auto bad = params.check_names(found->names); !bad.empty())
    return bad;
  out.ask = {};
  out.ask.kind = found->kind;
  out.is_summary = path == summary_path;
  out.report.reset();
  const bool has_report = out.is_summary || asks_for_report(params);
  if (auto bad = read_params(params, has_report, out.ask); !bad.empty())
    return bad;
  if (auto bad = model::check_query(out.ask, now_us))
    return bad.reason;
  if (!has_report)
    return {};
  if (auto bad = read_report(params, now_us, out.report.emplace()); !bad.empty())
    return bad;
  ask_about(out.report->now, out.ask);
  return {};
}

void append_answer(std::string& out, const question& asked, const query_answer& answer,
                   const query_answer* before) {
  const auto& ask = asked.ask;
  out += '{';
  switch (ask.kind) {
  case query_kind::count:
    append_member(out, "user_id", ask.user_id);
    append_member(out, "page_url", ask.page_url);
    append_member(out, "count", answer.clicks);
    break;
  case query_kind::page: append_page(out, ask, answer); break;
  case query_kind::top_pages:
    if (asked.report)
      append_range(out, asked.report->now);
    append_key(out, "pages");
    append_rows(out, answer, "page_url", true);
    break;
  case query_kind::series:
    if (!ask.page_url.empty())
      append_member(out, "page_url", ask.page_url);
    if (asked.is_summary)
      append_summary(out, *asked.report, answer, before);
    else if (asked.report)
      append_steps(out, *asked.report, answer, before);
    else
      append_series(out, ask, answer);
    break;
  case query_kind::users:
    append_member(out, "page_url", ask.page_url);
    append_key(out, "users");
    append_rows(out, answer, "user_id", false);
    break;
  case query_kind::active: append_active(out, ask, answer); break;
  }
  append_key(out, "more");
  out += answer.more ? "true" : "false";
  append_member(out, "source", to_string(answer.source));
  append_key(out, "as_of");
  append_time(out, answer.as_of_us);
  append_member(out, "position", to_string(answer.reached));
  out += "}\n";
}

} // namespace footfall::http
