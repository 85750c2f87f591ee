#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/model/validate.hpp"
#include "proto/query.hpp"

namespace footfall::model {

/// Length of one step in microseconds.
constexpr int64_t step_us(series_step step) noexcept {
  switch (step) {
  case series_step::minute: return 60'000'000;
  case series_step::hour: return 3'600'000'000;
  case series_step::quarter_hour: return 900'000'000;
  case series_step::day: break;
  }
  return 86'400'000'000;
}

/// How far back a series reaches when `from` is not given: the last hour, the
/// last 24 hours, the last 30 days; the running step included.
constexpr int64_t default_span_us(series_step step) noexcept {
  switch (step) {
  case series_step::minute: return 60 * step_us(step);
  case series_step::hour: return 24 * step_us(step);
  case series_step::quarter_hour:
  case series_step::day: break;
  }
  return 30 * step_us(series_step::day);
}

/// The gate of every query, whichever way it came in. Checks the fields that the
/// kind uses and completes them:
/// - an empty site means default_site;
/// - `from_us` <= at < `to_us`; times are widened to whole steps (top_pages: whole
///   minutes, which is what is kept), so that no point is half counted;
/// - a series without `to_us` ends with the step that runs at `now_us`, one
///   without `from_us` gets default_span_us; limits::series_points at most.
/// `ask` is of no use after a refusal. Pure; any thread.
refusal check_query(query_ask& ask, int64_t now_us);

/// Reads "partition:offset[,...]", as Footfall-After and `after` have it. Empty
/// text is no condition.
refusal check_after(const std::string& text, std::vector<position>& out);

} // namespace footfall::model
