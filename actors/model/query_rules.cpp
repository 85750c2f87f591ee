#include "actors/model/query_rules.hpp"

#include <algorithm>

namespace footfall::model {

namespace {

// Bounds come from clients as well as from `now`, so both are inside 2000 to 2100
// before anything is rounded: no overflow, and no negative remainder.
int64_t round_down(int64_t at_us, int64_t step) noexcept {
  return at_us - at_us % step;
}

int64_t round_up(int64_t at_us, int64_t step) noexcept {
  return round_down(at_us + step - 1, step);
}

refusal check_time(const char* field, int64_t at_us) {
  if (at_us == unset_time || (at_us >= limits::first_at_us && at_us <= limits::last_at_us))
    return {};
  return {field, std::string{field} + " is outside 2000-01-01 to 2100-01-01; give a time between"};
}

refusal check_order(const query_ask& ask) {
  if (ask.from_us != unset_time && ask.to_us != unset_time && ask.from_us >= ask.to_us)
    return {"from", "from is not before to; give a range that is not empty"};
  return {};
}

refusal check_limit(const query_ask& ask) {
  if (ask.limit == 0 || ask.limit > limits::list_rows)
    return {"limit", "limit is outside 1 to " + std::to_string(limits::list_rows)
                         + "; give a number between"};
  return {};
}

refusal check_range(query_ask& ask) {
  if (auto bad = check_order(ask))
    return bad;
  constexpr int64_t minute = step_us(series_step::minute);
  if (ask.from_us != unset_time)
    ask.from_us = round_down(ask.from_us, minute);
  if (ask.to_us != unset_time)
    ask.to_us = round_up(ask.to_us, minute);
  return {};
}

refusal check_series(query_ask& ask, int64_t now_us) {
  if (ask.step < series_step::minute || ask.step > series_step::day)
    return {"step", "step is unknown; give minute, hour or day"};
  const int64_t step = step_us(ask.step);
  if (ask.to_us == unset_time)
    ask.to_us = std::clamp(now_us + 1, limits::first_at_us + step, limits::last_at_us);
  ask.to_us = round_up(ask.to_us, step);
  if (ask.from_us == unset_time)
    ask.from_us = std::max(ask.to_us - default_span_us(ask.step), limits::first_at_us);
  ask.from_us = round_down(ask.from_us, step);
  if (auto bad = check_order(ask))
    return bad;
  if ((ask.to_us - ask.from_us) / step > limits::series_points)
    return {"from", "from to to has more than " + std::to_string(limits::series_points)
                        + " steps; give a shorter range or a longer step"};
  return {};
}

} // namespace

refusal check_query(query_ask& ask, int64_t now_us) {
  if (ask.site_id.empty())
    ask.site_id = default_site;
  if (auto bad = validate_site_id(ask.site_id))
    return bad;
  if (ask.kind == query_kind::count)
    if (auto bad = validate_user_id(ask.user_id))
      return bad;
  const bool may_be_whole = ask.kind == query_kind::series || ask.kind == query_kind::active;
  const bool whole_site = may_be_whole && ask.page_url.empty();
  if (ask.kind != query_kind::top_pages && !whole_site)
    if (auto bad = validate_page_url(ask.page_url))
      return bad;
  if (auto bad = check_time("from", ask.from_us))
    return bad;
  if (auto bad = check_time("to", ask.to_us))
    return bad;
  switch (ask.kind) {
  case query_kind::count:
  case query_kind::page: return {};
  case query_kind::top_pages:
    if (auto bad = check_limit(ask))
      return bad;
    return check_range(ask);
  case query_kind::series: return check_series(ask, now_us);
  case query_kind::users:
  case query_kind::active: return check_limit(ask);
  }
  return {"kind", "the kind of query is unknown"};
}

refusal check_after(const std::string& text, std::vector<position>& out) {
  out.clear();
  if (text.empty() || parse_positions(text, out))
    return {};
  out.clear();
  return {"after", "after is not a position; give partition:offset as ingestion answered it, at "
                   "most 64 of them separated by commas"};
}

} // namespace footfall::model
