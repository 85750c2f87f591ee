#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "app/import/hit.hpp"

namespace footfall::app {

/// Reads W3C's extended log format, as IIS and CloudFront write it. A #Fields directive
/// says what the columns of the lines behind it are; times are UTC.
class w3c_log {
public:
  line_fate read(std::string_view line, hit& out, std::string& why);

  /// The #Fields directive that is in force; empty when none was seen.
  const std::string& fields_line() const noexcept { return fields_line_; }

private:
  enum column : size_t { date, time, client, method, stem, query, uri, status, agent, columns };

  void read_directive(std::string_view line);
  /// Cuts `line` into columns, which tabs part if there is one.
  void split(std::string_view line);
  /// The column's text; empty when there is none, or "-".
  std::string_view cell(column which) const noexcept;
  std::string missing() const;

  std::string fields_line_;
  std::string date_; ///< Of the #Date directive, for logs that have no such column.
  std::vector<size_t> where_ = std::vector<size_t>(columns, none);
  size_t count_ = 0; ///< Columns that #Fields names.
  std::vector<std::string_view> cells_;
  static constexpr size_t none = static_cast<size_t>(-1);
};

/// A directive, or a line that begins with a date and a time.
bool looks_like_w3c(std::string_view line) noexcept;

} // namespace footfall::app
