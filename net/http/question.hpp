#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/http/query_string.hpp"
#include "net/http/range_report.hpp"
#include "proto/query.hpp"

namespace footfall::http {

/// A question of /v1/stats, as it was asked.
struct question {
  query_ask ask;
  bool is_summary = false;
  std::optional<range_report> report; ///< When it is about a range that a zone cuts.
};

/// Whether something of /v1/stats is at the path.
bool is_question(std::string_view path);

/// Reads and checks the parameters of the question at `path`. @returns empty, or what is wrong.
std::string read_question(std::string_view path, const query_params& params, int64_t now_us,
                          question& out);

/// Appends the body of the answer.
/// @param before the answer about what the range is compared with; null where there is none.
void append_answer(std::string& out, const question& asked, const query_answer& answer,
                   const query_answer* before = nullptr);

} // namespace footfall::http
