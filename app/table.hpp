#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace footfall::app {

/// Columns of text, aligned. Cells may hold anything: control characters, which a
/// terminal would obey, are replaced.
class table {
public:
  explicit table(std::vector<std::string> heads) : heads_(std::move(heads)) {}
  void add(std::vector<std::string> cells);
  /// Columns of numbers stand to the right.
  std::string text() const;
  size_t rows() const noexcept { return rows_.size(); }

private:
  std::vector<std::string> heads_;
  std::vector<std::vector<std::string>> rows_;
};

/// `text` without control characters.
std::string printable(std::string_view text);

} // namespace footfall::app
