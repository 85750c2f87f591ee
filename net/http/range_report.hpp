#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "actors/model/time_range.hpp"
#include "net/http/query_string.hpp"
#include "proto/query.hpp"

namespace footfall::http {

/// The parameters that say which time a report is about.
inline constexpr std::string_view range_names[] = {"range", "from", "to", "tz", "step", "compare"};

/// A question about a range that days and months of a zone cut: /v1/stats/summary, and
/// /v1/stats/series and top-pages with range=, tz= or compare=.
struct range_report {
  model::time_range now;
  std::optional<model::time_range> before; ///< What it is compared with.
  std::optional<query_answer> answer;      ///< Of `now`, while `before` is asked for.
};

/// Whether the parameters ask for such a report where others would do as well.
bool asks_for_report(const query_params& params);

/// Reads them and cuts the range. @returns empty, or what is wrong.
std::string read_report(const query_params& params, int64_t now_us, range_report& out);

/// Has the question be about `range`.
void ask_about(const model::time_range& range, query_ask& ask);

/// The members of the body of /v1/stats/summary and of a series, from `range` on.
/// @param before the answer about report.before; null where there is none.
void append_summary(std::string& out, const range_report& report, const query_answer& now,
                    const query_answer* before);
void append_steps(std::string& out, const range_report& report, const query_answer& now,
                  const query_answer* before);

/// `"range":{...}`.
void append_range(std::string& out, const model::time_range& x);

} // namespace footfall::http
