#include "app/import/tally.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <unistd.h>

namespace footfall::app {

namespace {

constexpr size_t reasons_max = 10;

void row(const char* name, uint64_t value) {
  std::printf("%-10s %llu\n", name, static_cast<unsigned long long>(value));
}

void row_if_any(const char* name, uint64_t value) {
  if (value > 0)
    row(name, value);
}

} // namespace

std::string line_place::text() const {
  return (file.empty() ? "" : file + ": ") + (is_element ? "event " : "line ")
         + std::to_string(number);
}

bool tally::keep_refused(const std::string& path) {
  file_.reset(std::fopen(path.c_str(), "ab"));
  return file_ != nullptr;
}

void tally::begin_refused() {
  if (!file_ || std::exchange(is_begun_, true))
    return;
  // What is no regular file cannot be cut, and holds nothing of an earlier run.
  std::ignore = ::ftruncate(::fileno(file_.get()), 0);
}

void tally::refuse(const line_place& where, const std::string& reason, const std::string& line,
                   const std::string& header) {
  ++refused;
  if (reasons_.size() < reasons_max)
    reasons_.push_back(where.text() + ": " + reason);
  if (!file_)
    return;
  begin_refused();
  if (header != header_)
    std::fprintf(file_.get(), "%s\n", header.c_str());
  header_ = header;
  std::fwrite(line.data(), 1, line.size(), file_.get());
  std::fputc('\n', file_.get());
  std::fflush(file_.get());
}

bool tally::print() {
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  row("lines", lines);
  row("accepted", accepted);
  if (is_news_known) {
    row("new", fresh);
    row("already", already);
    row_if_any("untold", accepted - std::min(accepted, fresh + already));
  }
  row("refused", refused);
  row_if_any("repeated", repeated);
  row_if_any("not_page", not_pages);
  row_if_any("bots", bots);
  row_if_any("blank", blank);
  row_if_any("directives", directives);
  row_if_any("unsent", unsent);
  row_if_any("left", left);
  row_if_any("retries", retries);
  row("bytes", bytes);
  std::printf("%-10s %.2f\n%-10s %.0f events/s\n", "seconds", seconds, "rate",
              seconds > 0 ? static_cast<double>(accepted) / seconds : 0.0);
  for (const auto& reason : reasons_)
    std::printf("refused    %s\n", reason.c_str());
  if (refused > reasons_.size())
    std::printf("refused    ... and %llu more\n",
                static_cast<unsigned long long>(refused - reasons_.size()));
  std::fflush(stdout);
  return !file_ || (std::ferror(file_.get()) == 0 && std::fflush(file_.get()) == 0);
}

} // namespace footfall::app
