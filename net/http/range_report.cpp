#include "net/http/range_report.hpp"

#include "net/http/json_text.hpp"

namespace footfall::http {

namespace {

constexpr const char* default_range = "7d";

std::string text_of(const query_params& params, std::string_view name) {
  const auto* found = params.find(name);
  return found ? *found : std::string{};
}

std::string read_comparison(const query_params& params, model::comparison& out) {
  const auto text = text_of(params, "compare");
  if (text == "previous")
    out = model::comparison::previous;
  else if (text == "year")
    out = model::comparison::year;
  else if (params.find("compare") && text != "none")
    return "compare is unknown; give none, previous or year";
  return {};
}

void append_span(std::string& out, const model::time_range& x) {
  append_key(out, "from");
  append_time(out, x.from_us);
  append_key(out, "to");
  append_time(out, x.to_us);
}

void append_clicks(std::string& out, const query_answer& x) {
  uint64_t clicks = 0;
  for (const auto& point : x.points)
    clicks += point.clicks;
  append_member(out, "clicks", clicks);
}

void append_points(std::string& out, std::string_view name, const model::time_range& range,
                   const query_answer& x) {
  const auto clicks = model::sum_steps(x.points, range);
  append_key(out, name);
  out += '[';
  for (size_t i = 0; i < clicks.size(); ++i) {
    out += i == 0 ? "{" : ",{";
    append_key(out, "at");
    append_time(out, range.begins[i]);
    append_member(out, "clicks", clicks[i]);
    out += '}';
  }
  out += ']';
}

} // namespace

bool asks_for_report(const query_params& params) {
  const auto step = text_of(params, "step");
  return params.find("range") || params.find("tz") || params.find("compare") || step == "week"
         || step == "month";
}

std::string read_report(const query_params& params, int64_t now_us, range_report& out) {
  for (const auto* name : {"range", "tz", "step"})
    if (params.find(name) && text_of(params, name).empty())
      return std::string(name) + " is empty; leave it out or give it a value";
  model::range_ask ask;
  ask.name = text_of(params, "range");
  ask.zone = text_of(params, "tz");
  ask.step = text_of(params, "step");
  auto by = model::comparison::none;
  if (auto bad = read_time(params, "from", ask.from_us); !bad.empty())
    return bad;
  if (auto bad = read_time(params, "to", ask.to_us); !bad.empty())
    return bad;
  if (auto bad = read_comparison(params, by); !bad.empty())
    return bad;
  if (ask.name.empty() && ask.from_us == unset_time && ask.to_us == unset_time)
    ask.name = default_range;
  if (auto bad = model::cut_range(ask, now_us, out.now))
    return bad.reason;
  out.before.reset();
  out.answer.reset();
  if (by != model::comparison::none)
    out.before = model::range_before(out.now, by);
  return {};
}

void ask_about(const model::time_range& range, query_ask& ask) {
  ask.from_us = range.from_us;
  ask.to_us = range.to_us;
  ask.step = model::finest_step(range);
}

void append_range(std::string& out, const model::time_range& x) {
  append_key(out, "range");
  out += "{\"name\":";
  if (x.name.empty())
    out += "null";
  else
    append_json_safe(out, x.name);
  append_span(out, x);
  append_member(out, "tz", x.zone);
  append_member(out, "step", model::to_string(x.step));
  out += '}';
}

void append_summary(std::string& out, const range_report& report, const query_answer& now,
                    const query_answer* before) {
  append_range(out, report.now);
  out += ",\"now\":{";
  append_clicks(out, now);
  out += '}';
  if (before) {
    out += ",\"previous\":{";
    append_span(out, *report.before);
    out += "},\"before\":{";
    append_clicks(out, *before);
    out += '}';
  } else {
    out += ",\"previous\":null,\"before\":null";
  }
}

void append_steps(std::string& out, const range_report& report, const query_answer& now,
                  const query_answer* before) {
  append_member(out, "step", model::to_string(report.now.step));
  append_span(out, report.now);
  append_range(out, report.now);
  append_points(out, "points", report.now, now);
  if (before)
    append_points(out, "before", *report.before, *before);
}

} // namespace footfall::http
