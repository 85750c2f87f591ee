#include "app/table.hpp"

#include <algorithm>

namespace footfall::app {

namespace {

/// Characters, not bytes; wide ones count as one.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789.-") == std::string::npos;
}

} // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F, the control characters that UTF-8 writes as two bytes.
    const bool is_c1 =
        c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    out += c < 0x20 || c == 0x7f || is_c1 ? '?' : text[i];
    i += is_c1;
  }
  return out;
}

void table::add(std::vector<std::string> cells) {
  cells.resize(heads_.size());
  for (auto& cell : cells)
    cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::string table::text() const {
  std::vector<size_t> widths;
  std::vector<bool> numbers;
  for (size_t i = 0; i < heads_.size(); ++i) {
    size_t width = width_of(heads_[i]);
    bool all = !rows_.empty();
    for (const auto& row : rows_) {
      width = std::max(width, width_of(row[i]));
      all = all && is_number(row[i]);
    }
    widths.push_back(width);
    numbers.push_back(all);
  }
  std::string out;
  auto append = [&](const std::vector<std::string>& row) {
    const auto begin = out.size();
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string gap(widths[i] - width_of(row[i]), ' ');
      out += numbers[i] ? gap + row[i] : row[i] + gap;
      out += i + 1 < row.size() ? "  " : "";
    }
    while (out.size() > begin && out.back() == ' ')
      out.pop_back();
    out += '\n';
  };
  append(heads_);
  for (const auto& row : rows_)
    append(row);
  return out;
}

} // namespace footfall::app
